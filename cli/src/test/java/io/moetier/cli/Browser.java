package io.moetier.cli;

import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.testdata.ChildProcess;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// One page in a headless Chromium, spoken to over its debugging protocol.
final class Browser implements AutoCloseable {
    private static final List<String> NAMES =
            List.of("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome");
    private static final Pattern LISTENING = Pattern.compile("DevTools listening on (ws://([^/]+)/.*)");
    private static final int SECONDS = 120;

    private final ChildProcess process;
    private final HttpClient client = HttpClient.newHttpClient();
    private final BlockingQueue<JsonObject> messages = new LinkedBlockingQueue<>();
    private final List<String> failures = new ArrayList<>();
    private final List<String> requests = new ArrayList<>();
    private final Set<String> loaded = new HashSet<>(); // by the number of what loads a page
    private final WebSocket socket;
    private int lastCall;

    /// Starts the browser with its files in `directory`.
    Browser(Path directory) throws IOException, InterruptedException {
        process = ChildProcess.start(new ProcessBuilder(
                        executable().toString(),
                        "--headless",
                        "--no-sandbox",
                        "--disable-gpu",
                        "--remote-debugging-port=0",
                        "--user-data-dir=" + directory,
                        "about:blank")
                .redirectErrorStream(true));
        try {
            socket = connect();
            for (String domain : List.of("Runtime", "Log", "Page", "Network")) {
                call(domain + ".enable", Map.of());
            }
            call("Page.setLifecycleEventsEnabled", Map.of("enabled", true));
        } catch (Throwable e) {
            end();
            throw e;
        }
    }

    private WebSocket connect() throws IOException, InterruptedException {
        String address = address(process.process().inputReader());
        HttpRequest list = HttpRequest.newBuilder(URI.create("http://" + address + "/json/list"))
                .build();
        String pages = client.send(list, BodyHandlers.ofString()).body();
        JsonObject page = parse("{\"pages\":" + pages + "}").requireObjects("pages").stream()
                .filter(target -> target.requireString("type").equals("page"))
                .findFirst()
                .orElseThrow();
        return client.newWebSocketBuilder()
                .buildAsync(URI.create(page.requireString("webSocketDebuggerUrl")), new Listener())
                .join();
    }

    /// Opens a file and waits until its scripts have run.
    void open(Path page) throws InterruptedException {
        String loader =
                call("Page.navigate", Map.of("url", page.toUri().toString())).requireString("loaderId");
        while (!loaded.contains(loader)) {
            next(); // the page that the browser began with may be loaded now, and this one before the call returned
        }
    }

    /// Makes the window so large, and has styles for `medium`.
    void resize(int width, int height, String medium) throws InterruptedException {
        call(
                "Emulation.setDeviceMetricsOverride",
                Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", false));
        call("Emulation.setEmulatedMedia", Map.of("media", medium));
    }

    /// Returns the text that an expression yields.
    String evaluate(String expression) throws InterruptedException {
        JsonObject result = call("Runtime.evaluate", Map.of("expression", expression, "awaitPromise", true));
        return result.requireObject("result").requireString("value");
    }

    /// Returns what went to the console as an error, and exceptions that nobody caught.
    List<String> failures() {
        return failures;
    }

    /// Returns the addresses that the page asked for.
    List<String> requests() {
        return requests;
    }

    @Override
    public void close() {
        socket.abort();
        end();
    }

    private void end() {
        process.close(); // its files can be removed now
        client.close();
    }

    private JsonObject call(String method, Map<String, Object> parameters) throws InterruptedException {
        int id = ++lastCall;
        socket.sendText(Json.write(Map.of("id", id, "method", method, "params", parameters)), true)
                .join();
        JsonObject message = next();
        while (message.optionalInt("id").orElse(0) != id) {
            message = next();
        }
        JsonObject answer = message;
        return message.optionalObject("result")
                .orElseThrow(() -> new AssertionError(method + ": " + Json.write(answer.asMap())));
    }

    private JsonObject next() throws InterruptedException {
        JsonObject message = messages.poll(SECONDS, TimeUnit.SECONDS);
        if (message == null) {
            throw new AssertionError("the browser is silent");
        }
        String method = message.optionalString("method").orElse("");
        JsonObject parameters = message.optionalObject("params").orElse(message);
        boolean failed = method.equals("Runtime.exceptionThrown")
                || (method.equals("Runtime.consoleAPICalled")
                        && parameters.requireString("type").equals("error"))
                || (method.equals("Log.entryAdded")
                        && parameters
                                .requireObject("entry")
                                .requireString("level")
                                .equals("error"));
        if (failed) {
            failures.add(Json.write(parameters.asMap()));
        }
        if (method.equals("Page.lifecycleEvent")
                && parameters.requireString("name").equals("load")) {
            loaded.add(parameters.requireString("loaderId"));
        }
        if (method.equals("Network.requestWillBeSent")) {
            requests.add(parameters.requireObject("request").requireString("url"));
        }
        return message;
    }

    private static String address(BufferedReader output) throws IOException {
        for (String line = output.readLine(); line != null; line = output.readLine()) {
            Matcher matcher = LISTENING.matcher(line);
            if (matcher.matches()) {
                return matcher.group(2);
            }
        }
        throw new IOException("the browser ended before it listened");
    }

    /// Returns the browser that is installed; `./check` installs one on Debian.
    private static Path executable() {
        List<String> folders = List.of(System.getenv("PATH").split(":"));
        return NAMES.stream()
                .flatMap(name -> folders.stream().map(folder -> Path.of(folder, name)))
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow(() -> new AssertionError("no Chromium on the PATH; expected one of " + NAMES));
    }

    private static JsonObject parse(String text) {
        return Json.parseObject(text.getBytes(StandardCharsets.UTF_8), Path.of("browser"));
    }

    /// Puts together the parts of a message.
    private final class Listener implements WebSocket.Listener {
        private final StringBuilder text = new StringBuilder();

        @Override
        public @Nullable CompletionStage<?> onText(WebSocket webSocket, CharSequence part, boolean last) {
            text.append(part);
            if (last) {
                messages.add(parse(text.toString()));
                text.setLength(0);
            }
            webSocket.request(1);
            return null;
        }
    }
}
