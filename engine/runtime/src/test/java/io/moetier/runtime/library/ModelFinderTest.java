package io.moetier.runtime.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.convert.LlamaCppFile;
import io.moetier.runtime.hub.HubCache;
import io.moetier.runtime.hub.HubName;
import io.moetier.runtime.hub.HubSettings;
import io.moetier.runtime.hub.PullListener;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.HubDouble;
import io.moetier.testdata.HubDouble.Fault;
import io.moetier.testdata.HubDouble.Request;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ProxySelector;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelFinderTest {
    private static final HubName NAME = HubName.parse("hf:org/repo");

    @TempDir
    Path home = Path.of("");

    private HubDouble server;
    private int looks;

    @BeforeEach
    void start() throws IOException {
        server = HubDouble.start();
        Files.createDirectories(scratch());
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
        try (Stream<Path> left = Files.list(scratch())) {
            assertEquals(List.of(), left.toList());
        }
        assertEquals(0, looks);
    }

    private Path scratch() {
        return home.resolve("scratch");
    }

    private ModelFinder finder() {
        return finder(scratch());
    }

    private ModelFinder finder(Path scratch) {
        return new ModelFinder(
                new ModelPlaces(new HubCache(home.resolve("hub")), List.of(), List.of()),
                new HubSettings(server.endpoint(), Optional.empty(), ProxySelector.of(null), false),
                home.resolve("cache"),
                scratch,
                new PullListener() {
                    @Override
                    public Look looking() {
                        looks++;
                        return () -> looks--;
                    }
                });
    }

    private byte[] gguf(String architecture) throws IOException {
        Path file = home.resolve(architecture + ".gguf");
        return Files.readAllBytes(LlamaCppFile.of(TestData.golden("qwen3_moe"))
                .ofArchitecture(architecture)
                .write(file));
    }

    private long fileRequests() {
        return server.requests().stream().filter(Request::isOfFile).count();
    }

    @Test
    void aModelInGgufIsLookedAtBeforeItIsDownloaded() throws IOException {
        server.put("org/repo", Map.of("sub/Any.gguf", gguf("gemma3")));
        MalformedModelException refusal = assertThrows(MalformedModelException.class, () -> finder().pull(NAME));
        assertTrue(
                ("" + refusal.getMessage())
                        .startsWith("hf:org/repo/sub/Any.gguf: general.architecture: expected one of afmoe, "),
                refusal::getMessage);
        assertFalse(Files.exists(home.resolve("hub")));
    }

    @Test
    void aModelThatIsThereIsNotLookedAtAgain() throws IOException {
        byte[] file = gguf("qwen3moe");
        server.put("org/repo", Map.of("Any.gguf", file));
        Path pulled = finder().pull(NAME);
        assertEquals(file.length, Files.size(pulled));
        server.forget();
        assertEquals(pulled, finder().pull(NAME));
        assertEquals(0, fileRequests());
    }

    /// A request that is for less than a download's would be refused, though the download asks for the whole file.
    @Test
    void whatAHubWithoutRangesHasIsDownloadedWithoutALook() throws IOException {
        byte[] file = Arrays.copyOf(gguf("qwen3moe"), 3 << 20);
        server.put("org/repo", Map.of("Any.gguf", file));
        server.fail(request -> request.isOfFile() ? Fault.whole() : Fault.NONE);
        assertEquals(file.length, Files.size(finder().pull(NAME)));
    }

    @Test
    void withoutRoomForALookAModelIsDownloadedAllTheSame() throws IOException {
        byte[] file = gguf("qwen3moe");
        server.put("org/repo", Map.of("Any.gguf", file));
        assertEquals(file.length, Files.size(finder(home.resolve("none")).pull(NAME)));
    }

    @Test
    void aLookThatIsRefusedSaysWhy() throws IOException {
        server.put("org/repo", Map.of("Any.gguf", gguf("qwen3moe")));
        server.fail(
                request -> request.isOfFile() ? Fault.status(403, Map.of("X-Error-Code", "GatedRepo")) : Fault.NONE);
        UncheckedIOException refusal = assertThrows(UncheckedIOException.class, () -> finder().pull(NAME));
        assertTrue(("" + refusal.getMessage()).contains("its owner asks for consent"), refusal::getMessage);
        assertEquals(1, fileRequests());
    }

    /// Each part would take a request of its own, one behind the other.
    @Test
    void ofVeryManyPartsNoneIsLookedAt() throws IOException {
        Map<String, byte[]> parts = new TreeMap<>();
        for (int part = 1; part <= 33; part++) {
            parts.put(String.format(Locale.ROOT, "Any-%05d-of-00033.gguf", part), new byte[part]);
        }
        server.put("org/repo", parts);
        finder().pull(NAME);
        parts.remove("Any-00033-of-00033.gguf");
        parts.replaceAll((name, bytes) -> new byte[bytes.length + 1]);
        Map<String, byte[]> fewer = new TreeMap<>();
        parts.forEach((name, bytes) -> fewer.put(name.replace("00033", "00032"), bytes));
        server.put("org/repo", fewer);
        assertThrows(MalformedModelException.class, () -> finder().pull(NAME));
    }

    @Test
    void nothingStaysOfALookThatIsInterrupted() throws IOException {
        server.put("org/repo", Map.of("Any.gguf", gguf("qwen3moe")));
        Thread waiting = Thread.currentThread();
        server.fail(request -> request.isOfFile() ? Fault.held(waiting::interrupt) : Fault.NONE);
        assertThrows(UncheckedIOException.class, () -> finder().pull(NAME));
        assertTrue(Thread.interrupted());
    }
}
