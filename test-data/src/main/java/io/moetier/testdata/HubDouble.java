package io.moetier.testdata;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// A hub of models on this machine: speaks what Hugging Face's does of listing repositories and giving files, and keeps
/// large files at a second server, to which it sends whoever asks. It fails as it is told.
public final class HubDouble implements AutoCloseable {
    private static final Pattern LISTING = Pattern.compile("/api/models/([^/]+/[^/]+)/revision/([^/]+)");
    private static final Pattern FILE = Pattern.compile("/([^/]+/[^/]+)/resolve/([^/]+)/(.+)");
    private static final Pattern RANGE = Pattern.compile("bytes=(\\d+)-(\\d+)");
    private static final String MAIN = "main";

    private final HttpServer hub;
    private final HttpServer store;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Map<String, Repository> repositories = new ConcurrentHashMap<>();
    private final List<Request> requests = new CopyOnWriteArrayList<>();
    private volatile Function<Request, Fault> faults = request -> Fault.NONE;

    /// What is in a repository now.
    private record Repository(String commit, Map<String, byte[]> files) {
        static Repository of(Map<String, byte[]> files) {
            StringBuilder all = new StringBuilder();
            files.forEach((path, bytes) -> all.append(path).append(etag(path, bytes)));
            return new Repository(digest("SHA-1", all.toString().getBytes(StandardCharsets.UTF_8)), files);
        }
    }

    /// A request that came in.
    ///
    /// @param atStore whether the second server was asked
    /// @param path as it was asked for, decoded
    /// @param from the first byte of the range, 0 if it had none
    /// @param to the last byte, -1 if it had none
    /// @param token what it said of who asks, empty if nothing
    public record Request(boolean atStore, String path, long from, long to, String token) {
        /// Says whether bytes of a file were asked for.
        public boolean isOfFile() {
            return !path.startsWith("/api/");
        }
    }

    /// How an answer is wrong.
    ///
    /// @param status sent instead of an answer; 0 to answer, 200 to do so with whole files
    /// @param headers sent too
    /// @param cutAfter of how many bytes of the body the connection is cut; -1 for none
    /// @param content what becomes of the bytes of the body
    /// @param before what happens before anything is sent
    public record Fault(
            int status, Map<String, String> headers, long cutAfter, Function<byte[], byte[]> content, Runnable before) {
        /// None at all.
        public static final Fault NONE = new Fault(0, Map.of(), -1, Function.identity(), () -> {});

        /// Returns an answer of that status alone.
        public static Fault status(int status, Map<String, String> headers) {
            return new Fault(status, headers, -1, Function.identity(), () -> {});
        }

        /// Returns an answer that gives the whole file, whatever range was asked for.
        public static Fault whole() {
            return status(200, Map.of());
        }

        /// Returns a connection that is cut.
        public static Fault cut(long afterBytes) {
            return new Fault(0, Map.of(), afterBytes, Function.identity(), () -> {});
        }

        /// Returns an answer with other headers.
        public static Fault headers(Map<String, String> headers) {
            return new Fault(0, headers, -1, Function.identity(), () -> {});
        }

        /// Returns an answer with other bytes.
        public static Fault content(Function<byte[], byte[]> content) {
            return new Fault(0, Map.of(), -1, content, () -> {});
        }

        /// Returns an answer that waits.
        public static Fault held(Runnable before) {
            return new Fault(0, Map.of(), -1, Function.identity(), before);
        }
    }

    private HubDouble(HttpServer hub, HttpServer store) {
        this.hub = hub;
        this.store = store;
    }

    /// Starts one without repositories, at ports that are free.
    public static HubDouble start() throws IOException {
        HubDouble hub = new HubDouble(server(), server());
        hub.serve(hub.hub, false);
        hub.serve(hub.store, true);
        return hub;
    }

    private static HttpServer server() throws IOException {
        return HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    }

    private void serve(HttpServer server, boolean atStore) {
        server.setExecutor(threads);
        server.createContext("/", exchange -> {
            try (exchange) {
                answer(exchange, atStore);
            }
        });
        server.start();
    }

    /// Returns the address, as for `HF_ENDPOINT`.
    public URI endpoint() {
        return URI.create("http://127.0.0.1:" + hub.getAddress().getPort());
    }

    /// Puts files into a repository, in place of all that was in it.
    public void put(String repository, Map<String, byte[]> files) {
        repositories.put(repository, Repository.of(new TreeMap<>(files)));
    }

    /// Puts the files of a folder into a repository, in place of all that was in it.
    public void put(String repository, Path folder) throws IOException {
        Map<String, byte[]> files = new TreeMap<>();
        try (Stream<Path> walk = Files.walk(folder)) {
            for (Path file : walk.filter(Files::isRegularFile).toList()) {
                files.put(folder.relativize(file).toString(), Files.readAllBytes(file));
            }
        }
        put(repository, files);
    }

    /// Returns the commit that a repository is at.
    public String commit(String repository) {
        return repository(repository).orElseThrow().commit();
    }

    /// Says what is wrong with answers from now on; it is asked for each request.
    public void fail(Function<Request, Fault> newFaults) {
        faults = newFaults;
    }

    /// Returns what was asked for, in order.
    public List<Request> requests() {
        return List.copyOf(requests);
    }

    /// Forgets what was asked for.
    public void forget() {
        requests.clear();
    }

    /// Returns what the hub calls the content of a file.
    public static String etag(String path, byte[] bytes) {
        return isLarge(path) ? digest("SHA-256", bytes) : blob(bytes);
    }

    private Optional<Repository> repository(String name) {
        return Optional.ofNullable(repositories.get(name));
    }

    private static boolean isLarge(String path) {
        return path.endsWith(".gguf") || path.endsWith(".safetensors");
    }

    private static String blob(byte[] bytes) {
        byte[] header = ("blob " + bytes.length + "\0").getBytes(StandardCharsets.US_ASCII);
        byte[] all = Arrays.copyOf(header, header.length + bytes.length);
        System.arraycopy(bytes, 0, all, header.length, bytes.length);
        return digest("SHA-1", all);
    }

    private static String digest(String algorithm, byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private void answer(HttpExchange exchange, boolean atStore) throws IOException {
        Request request = request(exchange, atStore);
        requests.add(request);
        Fault fault = faults.apply(request);
        fault.before().run();
        fault.headers().forEach(exchange.getResponseHeaders()::set);
        if (fault.status() != 0 && fault.status() != 200) {
            exchange.sendResponseHeaders(fault.status(), -1);
            return;
        }
        Matcher listing = LISTING.matcher(exchange.getRequestURI().getRawPath());
        Matcher file = FILE.matcher(exchange.getRequestURI().getRawPath());
        if (listing.matches()) {
            list(exchange, decoded(listing.group(1)), decoded(listing.group(2)), fault);
        } else if (file.matches()) {
            give(exchange, request, decoded(file.group(1)), decoded(file.group(3)), fault);
        } else {
            exchange.sendResponseHeaders(404, -1);
        }
    }

    private static Request request(HttpExchange exchange, boolean atStore) {
        Headers headers = exchange.getRequestHeaders();
        String range = Optional.ofNullable(headers.getFirst("Range")).orElse("");
        Matcher bytes = RANGE.matcher(range);
        boolean partial = bytes.matches();
        return new Request(
                atStore,
                exchange.getRequestURI().getPath(),
                partial ? Long.parseLong(bytes.group(1)) : 0,
                partial ? Long.parseLong(bytes.group(2)) : -1,
                Optional.ofNullable(headers.getFirst("Authorization")).orElse(""));
    }

    private void list(HttpExchange exchange, String name, String revision, Fault fault) throws IOException {
        Optional<Repository> found = repository(name);
        boolean known = found.filter(repository -> revision.equals(MAIN) || revision.equals(repository.commit()))
                .isPresent();
        if (!known) {
            exchange.getResponseHeaders().set("X-Error-Code", found.isPresent() ? "RevisionNotFound" : "RepoNotFound");
            exchange.sendResponseHeaders(found.isPresent() ? 404 : 401, -1);
            return;
        }
        Repository repository = found.orElseThrow();
        String siblings = repository.files().entrySet().stream()
                .map(file -> sibling(file.getKey(), file.getValue()))
                .collect(Collectors.joining(", "));
        String json = "{\"id\": \"" + name + "\", \"sha\": \"" + repository.commit() + "\", \"siblings\": [" + siblings
                + "]}";
        send(exchange, 200, json.getBytes(StandardCharsets.UTF_8), fault);
    }

    private static String sibling(String path, byte[] bytes) {
        String large = isLarge(path)
                ? ", \"lfs\": {\"sha256\": \"" + digest("SHA-256", bytes) + "\", \"size\": " + bytes.length
                        + ", \"pointerSize\": 130}"
                : "";
        return "{\"rfilename\": \"" + path.replace("\\", "\\\\").replace("\n", "\\n") + "\", \"size\": " + bytes.length
                + ", \"blobId\": \"" + blob(bytes) + "\"" + large + "}";
    }

    private void give(HttpExchange exchange, Request request, String name, String path, Fault fault)
            throws IOException {
        Optional<Repository> repository = repository(name);
        byte[] bytes = repository.map(found -> found.files().get(path)).orElse(null);
        Headers headers = exchange.getResponseHeaders();
        if (bytes == null) {
            headers.set("X-Error-Code", "EntryNotFound");
            exchange.sendResponseHeaders(404, -1);
        } else if (isLarge(path) && !request.atStore()) {
            headers.putIfAbsent("X-Repo-Commit", List.of(repository.get().commit()));
            headers.putIfAbsent("X-Linked-Etag", List.of("\"" + etag(path, bytes) + "\""));
            headers.set(
                    "Location",
                    "http://127.0.0.1:" + store.getAddress().getPort()
                            + exchange.getRequestURI().getRawPath() + "?signature=1");
            exchange.sendResponseHeaders(302, -1);
        } else {
            part(exchange, request, bytes, fault);
        }
    }

    private static void part(HttpExchange exchange, Request request, byte[] bytes, Fault fault) throws IOException {
        if (request.to() < 0 || fault.status() == 200) {
            send(exchange, 200, bytes, fault);
        } else if (request.from() >= bytes.length) {
            exchange.sendResponseHeaders(416, -1);
        } else {
            int to = (int) Math.min(request.to(), bytes.length - 1);
            exchange.getResponseHeaders()
                    .putIfAbsent("Content-Range", List.of("bytes " + request.from() + "-" + to + "/" + bytes.length));
            send(exchange, 206, Arrays.copyOfRange(bytes, (int) request.from(), to + 1), fault);
        }
    }

    private static void send(HttpExchange exchange, int status, byte[] body, Fault fault) throws IOException {
        byte[] content = fault.content().apply(body);
        exchange.sendResponseHeaders(status, content.length == 0 ? -1 : content.length);
        int length = fault.cutAfter() < 0 ? content.length : (int) Math.min(fault.cutAfter(), content.length);
        OutputStream out = exchange.getResponseBody();
        out.write(content, 0, length);
        out.flush(); // the rest of a body that was promised never comes: the connection is closed with the exchange
    }

    private static String decoded(String text) {
        return URLDecoder.decode(text, StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        hub.stop(0);
        store.stop(0);
        threads.shutdownNow();
    }
}
