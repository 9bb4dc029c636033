package io.moetier.runtime.hub;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.HubDouble;
import io.moetier.testdata.HubDouble.Fault;
import io.moetier.testdata.HubDouble.Request;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ProxySelector;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertificateException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Collectors;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HubTest {
    private static final HubName NAME = HubName.parse("hf:org/repo");
    private static final byte[] SMALL = "{}".getBytes(StandardCharsets.UTF_8);
    private static final byte[] LARGE = random(10_000);

    private final List<Duration> pauses = new ArrayList<>();
    private HubDouble server;
    private Hub hub;

    @BeforeEach
    void start() throws IOException {
        server = HubDouble.start();
        server.put("org/repo", Map.of("config.json", SMALL, "sub/a b+%é.gguf", LARGE));
        hub = hub(Optional.of("secret"), false);
    }

    @AfterEach
    void stop() {
        hub.close();
        server.close();
    }

    private Hub hub(Optional<String> token, boolean offline) {
        HubSettings settings = new HubSettings(server.endpoint(), token, ProxySelector.of(null), offline);
        return new Hub(settings, new Retries(pauses::add, line -> {}));
    }

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new Random(1).nextBytes(bytes);
        return bytes;
    }

    /// One that could not be started would not be missed, and the request would wait in vain.
    @Test
    void noThreadIsStartedForRequests() {
        Set<Thread> before = ofClients();
        HubRepository repository = hub.repository(NAME);
        assertEquals(server.commit("org/repo"), repository.commit());
        assertEquals(before, ofClients());
    }

    private static Set<Thread> ofClients() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().matches("(HttpClient|moetier-hub)-.*"))
                .collect(Collectors.toSet());
    }

    @Test
    void listsFilesOfACommit() {
        HubRepository repository = hub.repository(NAME);
        assertEquals(server.commit("org/repo"), repository.commit());
        HubFile small = repository.file("config.json").orElseThrow();
        HubFile large = repository.file("sub/a b+%é.gguf").orElseThrow();
        assertEquals(new HubFile("config.json", 2, Optional.empty(), HubDouble.etag("config.json", SMALL)), small);
        assertEquals(Optional.of(HubDouble.etag("x.gguf", LARGE)), large.sha256());
        assertEquals(large.sha256(), Optional.of(large.etag()));
        assertEquals(LARGE.length, large.bytes());
    }

    @Test
    void readsRangesOfFilesElsewhereWithoutSayingWhoAsks() {
        HubRepository repository = hub.repository(NAME);
        HubFile large = large(repository);
        assertArrayEquals(Arrays.copyOfRange(LARGE, 17, 117), hub.read(repository, large, 17, 100));
        assertArrayEquals(Arrays.copyOfRange(LARGE, 9_999, 10_000), hub.read(repository, large, 9_999, 1));
        List<Request> files =
                server.requests().stream().filter(Request::isOfFile).toList();
        assertEquals(
                List.of(false, true, true), files.stream().map(Request::atStore).toList());
        for (Request request : server.requests()) {
            assertEquals(request.atStore() ? "" : "Bearer secret", request.token());
        }
    }

    @Test
    void asksTheHubAgainWhereItSentUsIfThatHoldsNoLonger() {
        HubRepository repository = hub.repository(NAME);
        hub.read(repository, large(repository), 0, 1);
        AtomicInteger store = new AtomicInteger();
        server.fail(request ->
                request.atStore() && store.getAndIncrement() == 0 ? Fault.status(403, Map.of()) : Fault.NONE);
        assertArrayEquals(Arrays.copyOf(LARGE, 5), hub.read(repository, large(repository), 0, 5));
        assertEquals(2, store.get());
        assertEquals(List.of(), pauses);
    }

    @Test
    void triesAgainLater() {
        HubRepository repository = hub.repository(NAME);
        List<Fault> faults = new ArrayList<>(List.of(
                Fault.status(503, Map.of()),
                Fault.status(429, Map.of("Retry-After", "77")),
                Fault.cut(3),
                Fault.status(500, Map.of()),
                Fault.NONE));
        server.fail(request -> request.atStore() ? faults.removeFirst() : Fault.NONE);
        assertArrayEquals(LARGE, hub.read(repository, large(repository), 0, LARGE.length));
        assertEquals(
                List.of(1, 77, 4, 8),
                pauses.stream().map(Duration::toSeconds).map(Long::intValue).toList());
    }

    @Test
    void givesUpInTheEnd() {
        HubRepository repository = hub.repository(NAME);
        server.fail(request -> Fault.status(502, Map.of()));
        assertEquals("hf:org/repo: the hub fails (502)", failure(() -> hub.repository(NAME)));
        assertEquals(3, pauses.size());
        assertTrue(failure(() -> hub.read(repository, large(repository), 0, 1)).endsWith(": the hub fails (502)"));
        assertEquals(11, pauses.size());
        assertEquals(Duration.ofSeconds(60), pauses.getLast());
    }

    @Test
    void saysWhatToDoAboutLocksAndWhatIsMissing() {
        assertEquals(
                "hf:no/no: the hub refuses (401) the token that was sent; does it exist, and may that account read "
                        + server.endpoint() + "/no/no?",
                failure(() -> hub.repository(HubName.parse("hf:no/no"))));
        assertEquals(
                "hf:org/repo@v2: there is no revision 'v2' of org/repo",
                failure(() -> hub.repository(HubName.parse("hf:org/repo@v2"))));
        try (Hub nobody = hub(Optional.empty(), false)) {
            assertEquals(
                    "hf:no/no: there is no such repository, or it is not public, which a token (HF_TOKEN) would open;"
                            + " see " + server.endpoint() + "/no/no",
                    failure(() -> nobody.repository(HubName.parse("hf:no/no"))));
            server.fail(request -> Fault.status(403, Map.of("X-Error-Code", "GatedRepo")));
            assertEquals(
                    "hf:org/repo: its owner asks for consent; agree to the conditions on " + server.endpoint()
                            + "/org/repo and set HF_TOKEN to a token of that account",
                    failure(() -> nobody.repository(NAME)));
        }
        assertEquals(List.of(), pauses);
    }

    @Test
    void namesTheProxyThatMayBeWhatFails() {
        server.fail(request -> Fault.cut(0)); // it stands in for a proxy that tunnels nothing
        InetSocketAddress proxy =
                new InetSocketAddress("localhost", server.endpoint().getPort());
        HubSettings settings = new HubSettings(HubSettings.PUBLIC, Optional.empty(), ProxySelector.of(proxy), false);
        try (Hub proxied = new Hub(settings, new Retries(pauses::add, line -> {}))) {
            String message = failure(() -> proxied.repositoryNow(NAME));
            assertTrue(message.startsWith("huggingface.co, by the proxy localhost:" + proxy.getPort() + ": "), message);
        }
    }

    @Test
    void aCertificateThatIsNotAcceptedIsSaidWithoutClasses() {
        CertPathBuilderException cause = new CertPathBuilderException("unable to find it");
        CertificateException wrapped = new CertificateException("PKIX: " + cause, cause);
        SSLException failure = new SSLHandshakeException("(unknown) " + wrapped);
        failure.initCause(wrapped);
        assertEquals(
                "no secure connection: the certificate is not accepted (unable to find it)",
                HubConnection.reason(failure));
        assertEquals("no secure connection: no cipher", HubConnection.reason(new SSLException("no cipher")));
    }

    @Test
    void isNotAskedOffline() {
        try (Hub offline = hub(Optional.empty(), true)) {
            assertTrue(failure(() -> offline.repository(NAME)).startsWith("the hub is not asked, as HF_HUB_OFFLINE"));
        }
        assertEquals(List.of(), server.requests());
    }

    @Test
    void noticesThatAFileHasChanged() {
        HubRepository repository = hub.repository(NAME);
        HubFile large = large(repository);
        server.put("org/repo", Map.of(large.path(), random(10_001)));
        assertEquals(
                large.path() + ": another file is there now than the hub told of; try again",
                failure(() -> hub.read(repository, large, 0, 1)));
    }

    @Test
    void noticesRangesThatAreOthers() {
        HubRepository repository = hub.repository(NAME);
        HubFile large = large(repository);
        for (String range : List.of("bytes 1-4/10000", "bytes 0-4/10001", "bytes 0-5/10000", "4")) {
            server.fail(request -> request.atStore() ? Fault.headers(Map.of("Content-Range", range)) : Fault.NONE);
            assertTrue(failure(() -> hub.read(repository, large, 0, 5)).startsWith(large.path() + ": "), range);
        }
        Function<byte[], byte[]> longer = bytes -> Arrays.copyOf(bytes, bytes.length + 1);
        server.fail(request -> request.atStore() ? Fault.content(longer) : Fault.NONE);
        assertEquals(
                large.path() + ": the hub gives more than it was asked for",
                failure(() -> hub.read(repository, large, 0, 5)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"../x", "/etc/passwd", "a/../../x", "a\\b", "a//b", "x\n", "a/./b", "..", "c/"})
    void aPathThatLeadsElsewhereIsRefused(String path) {
        server.put("org/evil", Map.of(path, SMALL));
        assertThrows(MalformedModelException.class, () -> hub.repository(HubName.parse("hf:org/evil")));
    }

    @Test
    void answersThatAreNoneAreRefused() {
        for (String answer : List.of("", "[]", "{}", "{\"sha\": \"main\", \"siblings\": []}", "<html>")) {
            server.fail(request -> Fault.content(bytes -> answer.getBytes(StandardCharsets.UTF_8)));
            assertThrows(MalformedModelException.class, () -> hub.repository(NAME), answer);
        }
    }

    @Test
    void aNetworkThatWantsALoginIsSaid() {
        server.fail(request -> Fault.headers(Map.of("Content-Type", "text/html; charset=utf-8")));
        assertEquals(
                "hf:org/repo: 127.0.0.1 answers with a web page and not as the hub; the network may want a login first,"
                        + " or HF_ENDPOINT name another site",
                failure(() -> hub.repositoryNow(NAME)));
    }

    @Test
    void theTokenIsNotShown() {
        HubSettings settings = new HubSettings(
                URI.create("https://hub.example/"), Optional.of("secret"), ProxySelector.of(null), false);
        assertFalse(settings.toString().contains("secret"));
        assertEquals("https://hub.example with a token", settings.toString());
    }

    private static HubFile large(HubRepository repository) {
        return repository.file("sub/a b+%é.gguf").orElseThrow();
    }

    private static String failure(Runnable attempt) {
        return String.valueOf(
                assertThrows(UncheckedIOException.class, attempt::run).getMessage());
    }

    @Test
    void doesNotSleepForHours() {
        server.fail(request -> Fault.status(429, Map.of("Retry-After", "7200")));
        assertEquals(
                "hf:org/repo: the hub has been asked too often (429); it wants not to be asked for 120 minutes",
                failure(() -> hub.repository(NAME)));
        assertEquals(List.of(), pauses);
    }

    @Test
    void waitsUntilALimitIsReset() {
        List<Fault> faults = new ArrayList<>(List.of(
                Fault.status(429, Map.of("RateLimit", "\"api\";r=0;t=300")),
                Fault.status(429, Map.of("RateLimit", "\"api\";r=0;t=55", "Retry-After", "7")),
                Fault.status(503, Map.of("RateLimit", "\"api\";r=900;t=55")),
                Fault.NONE));
        server.fail(request -> faults.removeFirst());
        assertEquals("org/repo", hub.repository(NAME).name().repository());
        assertEquals(
                List.of(301L, 7L, 4L), pauses.stream().map(Duration::toSeconds).toList());
    }

    @Test
    void whoCanDoWithoutDoesNotWait() {
        server.fail(request -> Fault.status(503, Map.of()));
        assertEquals("hf:org/repo: the hub fails (503)", failure(() -> hub.repositoryNow(NAME)));
        assertEquals(List.of(), pauses);
    }

    @Test
    void signaturesAreNotShown() {
        HubRepository repository = hub.repository(NAME);
        server.fail(request -> request.atStore() ? Fault.status(302, Map.of("Location", "ftp://x/")) : Fault.NONE);
        String message = failure(() -> hub.read(repository, large(repository), 0, 1));
        assertTrue(message.endsWith(".gguf: redirected to no address of the same safety"), message);
    }

    @Test
    void aTokenInTheClearIsSaid() {
        assertEquals(
                Optional.of("the hub's token is sent to http://hub.example, and whoever is on the way can read it"),
                warning("http://hub.example", Optional.of("secret")));
        assertEquals(Optional.empty(), warning("https://hub.example", Optional.of("secret")));
        assertEquals(Optional.empty(), warning("http://127.0.0.1:80", Optional.of("secret")));
        assertEquals(Optional.empty(), warning("http://hub.example", Optional.empty()));
    }

    private static Optional<String> warning(String endpoint, Optional<String> token) {
        return new HubSettings(URI.create(endpoint), token, ProxySelector.of(null), false).warning();
    }
}
