package io.moetier.runtime.hub;

import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The hub of models, over HTTP: what is in a repository, and bytes of its files.
///
/// What fails only for now is tried again. Any thread may ask.
public final class Hub implements AutoCloseable {
    private static final int MOST_JSON = 64 << 20;
    private static final Pattern RANGE = Pattern.compile("bytes (\\d{1,18})-(\\d{1,18})/(\\d{1,18})");
    private static final Pattern DIGEST = Pattern.compile("(?:W/)?\"?([0-9a-f]{40}|[0-9a-f]{64})\"?");

    private final HubSettings settings;
    private final HubConnection connection;
    private final HubRefusal refusal;
    private final Retries retries;
    private final Map<URI, URI> locations = new ConcurrentHashMap<>(); // where the hub sent us, at another host

    /// @param notes takes a line for people: where the hub lets them wait, and what [HubSettings#warning] says
    public Hub(HubSettings settings, Consumer<String> notes) {
        this(settings, new Retries(Thread::sleep, notes));
        settings.warning().ifPresent(notes);
    }

    Hub(HubSettings settings, Retries retries) {
        this.settings = settings;
        this.connection = new HubConnection(settings);
        this.refusal = new HubRefusal(settings);
        this.retries = retries;
    }

    /// Returns what is in a repository at the revision of `name`.
    ///
    /// @throws UncheckedIOException if the hub does not say
    /// @throws MalformedModelException if it says what cannot be
    public HubRepository repository(HubName name) {
        return repository(name, Retries.FEW);
    }

    /// Returns the same as [#repository], but does not wait for a hub that fails: for those who can do without.
    ///
    /// @throws UncheckedIOException if the hub does not say
    /// @throws MalformedModelException if it says what cannot be
    public HubRepository repositoryNow(HubName name) {
        return repository(name, Retries.NEVER);
    }

    private HubRepository repository(HubName name, int retried) {
        URI uri = URI.create(settings.endpoint() + "/api/models/" + name.repository() + "/revision/"
                + encoded(HubRepository.revision(name)) + "?blobs=true");
        try {
            return HubRepository.parse(name, retries.run(retried, () -> document(name, uri)));
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        }
    }

    private byte[] document(HubName name, URI uri) throws IOException {
        try (HubAnswer answer = connection.get(uri, Optional.empty())) {
            if (answer.status() != 200) {
                throw refusal.of(name, name.withoutSelection().toString(), answer.status(), answer.headers());
            }
            requireNoPage(name, answer);
            byte[] document = read(answer.body(), MOST_JSON + 1, name.toString());
            if (document.length > MOST_JSON) {
                throw HubException.lasting(name + ": the hub answers with more than anybody could mean");
            }
            return document;
        }
    }

    /// Networks that want a login, and other sites, answer everything with a page.
    private static void requireNoPage(HubName name, HubAnswer answer) throws HubException {
        if (answer.headers().firstValue("Content-Type").orElse("").startsWith("text/html")) {
            throw HubException.passing(
                    name.withoutSelection() + ": " + answer.location().getHost()
                            + " answers with a web page and not as the hub; the network may want a login first, or"
                            + " HF_ENDPOINT name another site",
                    null);
        }
    }

    /// Returns bytes of a file.
    ///
    /// @throws IllegalArgumentException if the file has no such bytes
    /// @throws UncheckedIOException if the hub does not give them
    public byte[] read(HubRepository repository, HubFile file, long offset, int length) {
        if (offset < 0 || length < 0 || offset > file.bytes() - length) {
            throw new IllegalArgumentException(
                    file.path() + " has no " + length + " bytes at " + offset + ", only " + file.bytes());
        }
        if (length == 0) {
            return new byte[0];
        }
        try {
            return retries.run(Retries.MANY, () -> {
                try (InputStream body = open(repository, file, offset, length)) {
                    byte[] bytes = read(body, length, file.path());
                    if (bytes.length < length) {
                        throw cut(file.path(), null);
                    }
                    requireEnd(body, file.path());
                    return bytes;
                }
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        }
    }

    private static byte[] read(InputStream body, int length, String what) throws HubException {
        try {
            return body.readNBytes(length);
        } catch (IOException e) {
            throw cut(what, e);
        }
    }

    /// Reads some bytes of a body, at least one.
    ///
    /// @throws HubException if there are none
    static int readSome(InputStream body, byte[] buffer, int most, String what) throws HubException {
        try {
            int read = body.read(buffer, 0, most);
            if (read > 0) {
                return read;
            }
        } catch (IOException e) {
            throw cut(what, e);
        }
        throw cut(what, null);
    }

    /// Waits after a failure as long as [Retries#await] says.
    void awaitAfter(HubException failure, int failed) throws IOException {
        retries.await(failure, failed, Retries.MANY);
    }

    /// Reads the end of a body, without which its connection could not be used again.
    ///
    /// @throws HubException if something comes before it
    static void requireEnd(InputStream body, String what) throws HubException {
        if (read(body, 1, what).length > 0) {
            throw HubException.passing(what + ": the hub gives more than it was asked for", null);
        }
    }

    static HubException cut(String what, @Nullable IOException cause) {
        return HubException.passing(
                what + ": the connection was cut" + (cause == null ? "" : " (" + cause.getMessage() + ")"), cause);
    }

    /// Opens bytes of a file, once; they may end too early.
    ///
    /// @throws HubException if the hub does not give them
    InputStream open(HubRepository repository, HubFile file, long offset, long length) throws IOException {
        URI uri = URI.create(settings.endpoint() + "/" + repository.name().repository() + "/resolve/"
                + repository.commit() + "/"
                + Arrays.stream(file.path().split("/", -1)).map(Hub::encoded).collect(Collectors.joining("/")));
        Optional<URI> known = Optional.ofNullable(locations.get(uri));
        HubAnswer answer = connection.get(known.orElse(uri), range(offset, length));
        try {
            if (known.isPresent() && hasExpired(answer.status())) {
                answer.close();
                locations.remove(uri);
                answer = connection.get(uri, range(offset, length));
            }
            check(repository, file, answer, offset, length);
            if (!connection.isHub(answer.location())) {
                locations.put(uri, answer.location());
            }
            return answer.body();
        } catch (IOException e) {
            answer.close();
            throw e;
        }
    }

    /// Addresses of files elsewhere hold for some time.
    private static boolean hasExpired(int status) {
        return status == 401 || status == 403 || status == 404 || status == 410;
    }

    /// Says whether the hub did not answer at all, or only that it fails.
    public static boolean isUnreachable(UncheckedIOException failure) {
        return failure.getCause() instanceof HubException cause && cause.isPassing();
    }

    /// Says whether parts of a file could not be read for a reason that does not keep the whole from being downloaded:
    /// the hub gives whole files only, or it is not the hub that failed, but where the parts were to be kept.
    public static boolean isOfPartsAlone(UncheckedIOException failure) {
        return failure.getCause() instanceof HubException.WithoutParts
                || !(failure.getCause() instanceof HubException
                        || failure.getCause() instanceof InterruptedIOException);
    }

    private static Optional<String> range(long offset, long length) {
        return Optional.of("bytes=" + offset + "-" + (offset + length - 1));
    }

    private void check(HubRepository repository, HubFile file, HubAnswer answer, long offset, long length)
            throws HubException {
        if (isOther(answer, "X-Repo-Commit", repository.commit()) || isOther(answer, "X-Linked-Etag", file.etag())) {
            throw changed(file);
        }
        if (answer.status() == 416) {
            throw changed(file);
        }
        if (answer.status() == 200 && offset == 0 && length == file.bytes()) {
            long told = answer.headers().firstValueAsLong("Content-Length").orElse(length);
            if (told != length) {
                throw changed(file);
            }
            return;
        }
        if (answer.status() == 200) {
            throw HubException.withoutParts(file.path());
        }
        if (answer.status() != 206) {
            throw refusal.of(repository.name(), file.path(), answer.status(), answer.headers());
        }
        String told = answer.headers().firstValue("Content-Range").orElse("none");
        Matcher range = RANGE.matcher(told);
        if (!range.matches()) {
            throw HubException.lasting(file.path() + ": expected the header Content-Range, found '" + told + "'");
        }
        if (Long.parseLong(range.group(3)) != file.bytes()) {
            throw changed(file);
        }
        if (Long.parseLong(range.group(1)) != offset || Long.parseLong(range.group(2)) != offset + length - 1) {
            throw HubException.lasting(
                    file.path() + ": asked for " + length + " bytes at " + offset + ", the hub gives '" + told + "'");
        }
    }

    private static HubException changed(HubFile file) {
        return HubException.lasting(file.path() + ": another file is there now than the hub told of; try again");
    }

    private static boolean isOther(HubAnswer answer, String header, String expected) {
        return answer.first()
                .firstValue(header)
                .map(DIGEST::matcher)
                .filter(Matcher::matches)
                .filter(digest -> !digest.group(1).equals(expected))
                .isPresent();
    }

    private static String encoded(String part) {
        return URLEncoder.encode(part, StandardCharsets.UTF_8).replace("+", "%20");
    }

    @Override
    public void close() {
        connection.close();
    }
}
