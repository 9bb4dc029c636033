package io.moetier.runtime.hub;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.format.GgufFile;
import io.moetier.storage.format.GgufWriter;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.HubDouble;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.ProxySelector;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StandInsTest {
    private static final String FILE = "sub/Some-Q8_0.gguf";

    @TempDir
    Path folder = Path.of("");

    private HubDouble server;
    private Hub hub;

    @BeforeEach
    void start() throws IOException {
        server = HubDouble.start();
        hub = new Hub(new HubSettings(server.endpoint(), Optional.empty(), ProxySelector.of(null), false), line -> {});
    }

    @AfterEach
    void stop() {
        hub.close();
        server.close();
    }

    /// Nothing that is looked at says more than their names.
    @Test
    void vocabulariesAreNotRead() {
        Map<String, byte[]> files = Map.of(
                "config.json", new byte[2],
                "model.safetensors", new byte[4],
                "tokenizer.json", new byte[1000],
                "tokenizer.model", new byte[1000],
                "tiktoken.model", new byte[1000]);
        server.put("org/repo", files);
        try (StandIns standIns = StandIns.open(hub, hub.repository(HubName.parse("hf:org/repo")), folder)) {
            Path opened = add(standIns);
            assertEquals(6, standIns.bytesRead());
            assertTrue(Files.exists(opened.resolve("tiktoken.model")));
        }
    }

    @Test
    void whatAKilledProcessLeftGoesAndWhatALivingOneUsesStays() throws IOException {
        Path left = Files.createDirectories(folder.resolve("moetier-headers-" + UUID.randomUUID()));
        Files.writeString(left.resolve("config.json"), "{}");
        Path another = Files.createDirectories(folder.resolve("moetier-headers-notes of mine"));
        try (StandIns living = standIns(new byte[4])) {
            Path opened = add(living);
            assertFalse(Files.exists(left));
            standIns(new byte[4]).close();
            assertTrue(Files.exists(opened));
        }
        assertEquals(List.of(another), list(folder));
    }

    private static List<Path> list(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.toList();
        }
    }

    private StandIns standIns(byte[] file) {
        server.put("org/repo", Map.of(FILE, file));
        return StandIns.open(hub, hub.repository(HubName.parse("hf:org/repo")), folder);
    }

    private Path add(StandIns files) {
        return files.add(HubSelection.of(hub.repository(HubName.parse("hf:org/repo"))));
    }

    @Test
    void aLongHeaderIsReadWhole() throws IOException {
        Path file = folder.resolve("whole.gguf");
        String word = "x".repeat(1 << 10);
        Map<String, Object> metadata = Map.of("general.architecture", "any", "words", Collections.nCopies(3_000, word));
        GgufWriter.Entry weight = GgufWriter.Entry.of("weight", DType.F32, 1 << 20);
        try (GgufWriter writer = GgufWriter.create(file, metadata, List.of(weight))) {
            writer.write("weight", MemorySegment.ofArray(new byte[(int) weight.byteLength()]));
        }
        try (StandIns files = standIns(Files.readAllBytes(file));
                GgufFile whole = GgufFile.open(file);
                GgufFile standIn = GgufFile.open(add(files))) {
            assertEquals(whole.headerChecksum(), standIn.headerChecksum());
            assertEquals(4 << 20, files.bytesRead());
        }
    }

    /// Else a quarter of a gigabyte would come to say what the first bytes tell.
    @Test
    void noMoreIsReadThanUpToWhatIsWrong() {
        byte[] file = Arrays.copyOf("GGUF\u0009".getBytes(StandardCharsets.US_ASCII), 5 << 20);
        try (StandIns files = standIns(file)) {
            Path opened = add(files);
            assertEquals(1 << 20, files.bytesRead());
            MalformedModelException refusal = assertThrows(MalformedModelException.class, () -> GgufFile.open(opened));
            assertTrue(String.valueOf(refusal.getMessage()).endsWith("version: expected 2 or 3, found 9"));
        }
    }
}
