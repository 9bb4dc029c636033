package io.moetier.storage.expert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.ChildProcess;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ExpertStoreTest {
    private static final SampleStore SAMPLE = new SampleStore(11, 5, 100, 4095, 4096, 65_601, 3_000_000);

    @TempDir
    private static Path scratch;

    private static Path directory = Path.of("");

    @BeforeAll
    static void writeStore() throws IOException {
        directory = SAMPLE.write(scratch.resolve("sample.mtier"));
    }

    @ParameterizedTest
    @EnumSource
    void readsEveryExpertAsItWasPut(IoMode mode) {
        try (ExpertStore store = ExpertStore.open(directory, mode)) {
            assertEquals(List.copyOf(SAMPLE.blocks().keySet()), List.copyOf(store.experts()));
            assertEquals(SAMPLE.layouts(), store.layouts());
            SAMPLE.blocks()
                    .forEach((id, block) -> assertArrayEquals(block, SampleStore.read(store, id), id.toString()));
            if (mode == IoMode.AUTO) {
                String figures =
                        "\\(auto: pread [0-9.]+, mapped [0-9.]+(, direct [0-9.]+)? GB/s over 3 blocks each.*\\)";
                assertTrue(store.ioDescription().matches("(pread|mapped|direct) " + figures), store.ioDescription());
            } else {
                assertTrue(
                        store.ioDescription()
                                .matches(mode.name().toLowerCase(java.util.Locale.ROOT)
                                        + "|pread \\(direct refused: .*\\)"),
                        store.ioDescription());
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void servesSeveralThreads(IoMode mode) throws Exception {
        try (ExpertStore store = ExpertStore.open(directory, mode);
                ExecutorService threads = Executors.newFixedThreadPool(4)) {
            List<Future<?>> runs = new ArrayList<>();
            for (int thread = 0; thread < 4; thread++) {
                runs.add(threads.submit(() ->
                        SAMPLE.blocks().forEach((id, block) -> assertArrayEquals(block, SampleStore.read(store, id)))));
            }
            for (Future<?> run : runs) {
                run.get();
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aThreadThatIsInterruptedSpoilsNothing(IoMode mode) {
        ExpertId id = new ExpertId(4, 1);
        try (ExpertStore store = ExpertStore.open(directory, mode)) {
            Thread.currentThread().interrupt();
            assertArrayEquals(SAMPLE.blocks().get(id), SampleStore.read(store, id));
            assertTrue(Thread.interrupted());
            assertArrayEquals(SAMPLE.blocks().get(id), SampleStore.read(store, id));
        }
    }

    @ParameterizedTest
    @EnumSource
    void isOpenedInTheSameWayByAThreadThatIsInterrupted(IoMode mode) {
        Thread.currentThread().interrupt();
        try (ExpertStore store = ExpertStore.open(directory, mode)) {
            assertTrue(Thread.interrupted());
            assertFalse(store.ioDescription().contains("refused: null"), store.ioDescription());
            ExpertId id = new ExpertId(4, 1);
            for (int i = 0; i <= 2 * AutoReader.COUNTED_BLOCKS + 1; i++) {
                assertArrayEquals(SAMPLE.blocks().get(id), SampleStore.read(store, id));
            }
            assertFalse(store.ioDescription().contains("mapped refused"), store.ioDescription());
        } finally {
            boolean _ = Thread.interrupted();
        }
    }

    @Test
    void loadsDenseWeightsSmallFilesAndTheDescription() throws IOException {
        try (ExpertStore store = ExpertStore.open(directory, IoMode.PREAD);
                Arena arena = Arena.ofConfined()) {
            assertArrayEquals(SAMPLE.dense(), store.loadDense(arena).toArray(ValueLayout.JAVA_BYTE));
            assertEquals("sample", store.config().requireString("model_type"));
            assertEquals("sample", store.manifest().description().requireString("source"));
            assertEquals(
                    SampleStore.CONFIG,
                    Files.readString(store.file("config.json").orElseThrow()));
            assertTrue(store.file("tokenizer.json").isEmpty());
        }
    }

    @Test
    void refusesUnknownExpertsAndUnfitMemory() {
        try (ExpertStore store = ExpertStore.open(directory, IoMode.PREAD);
                Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(8192, 4096);
            int known = ExpertId.pack(0, 0);
            assertThrows(IllegalArgumentException.class, () -> store.read(ExpertId.pack(0, 5), memory));
            assertThrows(IllegalArgumentException.class, () -> store.layout(ExpertId.pack(9, 0)));
            assertThrows(IllegalArgumentException.class, () -> store.read(known, memory.asSlice(64)));
            assertThrows(IllegalArgumentException.class, () -> store.read(known, memory.asSlice(0, 100)));
        }
    }

    @Test
    void writesNothingWhileReading() throws IOException {
        Path store = SAMPLE.write(scratch.resolve("read-only.mtier"));
        Map<String, String> before = fingerprints(store);
        for (Path file : files(store)) {
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("r--r--r--"));
        }
        Files.setPosixFilePermissions(store, PosixFilePermissions.fromString("r-xr-xr-x"));
        for (IoMode mode : IoMode.values()) {
            try (ExpertStore open = ExpertStore.open(store, mode)) {
                open.experts().forEach(id -> SampleStore.read(open, id));
            }
        }
        assertEquals(List.of(), StoreVerifier.verify(store, bytes -> {}));
        assertEquals(before, fingerprints(store));
        Files.setPosixFilePermissions(store, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    @Test
    void saysWhyABlockCannotBeRead() throws IOException {
        Path store = SAMPLE.write(scratch.resolve("gone.mtier"));
        try (ExpertStore open = ExpertStore.open(store, IoMode.PREAD)) {
            for (Path file : files(store)) {
                Files.delete(file);
            }
            Thread.currentThread().interrupt(); // closes the file, which is then opened again
            MalformedModelException failure = assertThrows(
                    MalformedModelException.class,
                    () -> SampleStore.read(open, open.experts().iterator().next()));
            assertTrue(Thread.interrupted());
            String message = String.valueOf(failure.getMessage());
            assertTrue(message.endsWith(": no such file or directory"), message);
        }
    }

    @Test
    void runsWithoutChronicleMap() throws Exception {
        String classPath = Pattern.compile(":")
                .splitAsStream(System.getProperty("java.class.path"))
                .filter(entry -> !entry.contains("openhft") && !entry.contains("chronicle"))
                .reduce((a, b) -> a + ":" + b)
                .orElseThrow();
        assertFalse(classPath.contains("chronicle-map"));
        ChildProcess.Ended ended = ChildProcess.run(new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-Xshare:auto",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                classPath,
                ReadWithoutChronicle.class.getName(),
                directory.toString()));
        assertEquals(new ChildProcess.Ended(0, "25 experts, damages []\n"), ended);
    }

    @ParameterizedTest
    @EnumSource
    void aFlippedBitInAnExpertIsNamedByTheRead(IoMode mode) throws IOException {
        Path store = scratch.resolve(mode + "-flip.mtier");
        SampleStore small = new SampleStore(12, 2, 5000);
        small.write(store);
        long offset = StoreManifest.read(store).experts().get(1).offset();
        Flip.bit(store.resolve("experts-0.cm3"), offset * 8 + 39_999);
        try (ExpertStore open = ExpertStore.open(store, mode)) {
            assertArrayEquals(small.blocks().get(new ExpertId(0, 0)), SampleStore.read(open, new ExpertId(0, 0)));
            String message = String.valueOf(assertThrows(
                            MalformedModelException.class, () -> SampleStore.read(open, new ExpertId(0, 1)))
                    .getMessage());
            assertTrue(
                    message.matches(
                            ".*experts-0.cm3: layer 0 expert 1: checksum expected [0-9a-f]{8}, found [0-9a-f]{8}"),
                    message);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aFileThatShrinksUnderAnOpenStoreIsAnError(IoMode mode) throws IOException {
        Path store = scratch.resolve(mode + "-shrinks.mtier");
        new SampleStore(13, 2, 100_000).write(store);
        try (ExpertStore open = ExpertStore.open(store, mode)) {
            try (RandomAccessFile file =
                    new RandomAccessFile(store.resolve("experts-0.cm3").toFile(), "rw")) {
                file.setLength(8193);
            }
            for (ExpertId id : open.experts()) {
                String message =
                        String.valueOf(assertThrows(MalformedModelException.class, () -> SampleStore.read(open, id))
                                .getMessage());
                assertTrue(message.contains("experts-0.cm3: " + id + ": cannot be read at byte "), message);
            }
        }
    }

    @Test
    void openRefusesWhatIsNotAsTheManifestSays() throws IOException {
        SampleStore small = new SampleStore(14, 1, 100);
        Path store = small.write(scratch.resolve("refused.mtier"));

        Flip.bit(store.resolve("config.json"), 30);
        assertOpenFails(store, "config.json: checksum expected ");
        Flip.bit(store.resolve("config.json"), 30);

        Flip.bit(store.resolve("dense.safetensors"), 3);
        try (ExpertStore open = ExpertStore.open(store, IoMode.AUTO);
                Arena arena = Arena.ofConfined()) {
            String message = String.valueOf(assertThrows(MalformedModelException.class, () -> open.loadDense(arena))
                    .getMessage());
            assertTrue(message.contains("dense.safetensors: checksum expected "), message);
        }

        byte[] experts = Files.readAllBytes(store.resolve("experts-0.cm3"));
        Files.write(store.resolve("experts-0.cm3"), Arrays.copyOf(experts, experts.length - 1));
        assertOpenFails(store, "experts-0.cm3: length: expected " + experts.length + " bytes, found ");
        Files.delete(store.resolve("experts-0.cm3"));
        assertOpenFails(store, "experts-0.cm3: missing");

        assertOpenFails(scratch.resolve("nowhere.mtier"), "nowhere.mtier: no such store");
        assertOpenFails(store.resolve("config.json"), "config.json: is not an expert store");
        assertOpenFails(scratch, "is not an expert store: it has no manifest.json");
    }

    private static void assertOpenFails(Path store, String reason) {
        String message =
                String.valueOf(assertThrows(MalformedModelException.class, () -> ExpertStore.open(store, IoMode.AUTO))
                        .getMessage());
        assertTrue(message.contains(reason), message);
    }

    private static List<Path> files(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.sorted().toList();
        }
    }

    private static Map<String, String> fingerprints(Path directory) throws IOException {
        Map<String, String> fingerprints = new TreeMap<>();
        for (Path file : files(directory)) {
            fingerprints.put(
                    file.toString(),
                    Files.getLastModifiedTime(file) + " " + Checksums.hex(Checksums.of(Files.readAllBytes(file))));
        }
        return fingerprints;
    }
}
