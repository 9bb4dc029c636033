package io.moetier.storage.expert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.format.Json;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.ChildProcess;
import io.moetier.testdata.Seeds;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PartialStoreTest {
    private static final SampleStore SAMPLE = new SampleStore(61, 6, 5000, 70_000);
    private static final int[] IDS =
            SAMPLE.blocks().keySet().stream().mapToInt(ExpertId::pack).toArray();

    @TempDir
    private Path scratch;

    private StoreManifest manifest;
    private Path folder;

    @BeforeEach
    void writesTheWholeStore() throws IOException {
        manifest = StoreManifest.read(SAMPLE.write(scratch.resolve("whole.mtier")));
        folder = scratch.resolve("node");
    }

    @Test
    void hasWhatItWasGivenAndFindsItAgain() throws IOException {
        try (PartialStore store = open()) {
            assertArrayEquals(new int[0], store.ids());
            put(store, IDS[7]);
            put(store, IDS[1]);
            put(store, IDS[1]);
            assertHas(store, IDS[1], IDS[7]);
        }
        try (PartialStore store = open()) {
            assertHas(store, IDS[1], IDS[7]);
            assertThrows(IllegalStateException.class, () -> read(store, IDS[0]));
            for (int id : IDS) {
                put(store, id);
            }
            assertHas(store, IDS);
        }
        try (PartialStore store = open()) {
            assertHas(store, IDS);
        }
    }

    @Test
    void theManifestTravels() {
        StoreManifest travelled = StoreManifest.parse(manifest.bytes(), Path.of("manifest of the driver"));
        assertEquals(manifest.experts(), travelled.experts());
        assertEquals(manifest.sizeClasses(), travelled.sizeClasses());
        assertEquals(manifest.files(), travelled.files());
        assertEquals(manifest.expertsDigest(), travelled.expertsDigest());
    }

    @Test
    void takesNothingButTheExpertsOwnBytes() throws IOException {
        try (PartialStore store = open()) {
            byte[] block = block(IDS[0]).clone();
            block[4999] ^= 1;
            Exception wrong =
                    assertThrows(MalformedModelException.class, () -> store.put(IDS[0], MemorySegment.ofArray(block)));
            assertTrue(
                    String.valueOf(wrong.getMessage()).startsWith("layer 0 expert 0: checksum expected "),
                    wrong.getMessage());
            assertThrows(MalformedModelException.class, () -> store.put(IDS[0], MemorySegment.ofArray(block(IDS[1]))));
            assertThrows(
                    IllegalArgumentException.class, () -> store.put(IDS[0], MemorySegment.ofArray(new byte[4999])));
            assertThrows(
                    IllegalArgumentException.class,
                    () -> store.put(ExpertId.pack(9, 0), MemorySegment.ofArray(new byte[5000])));
            assertHas(store);
        }
    }

    /// The steps of keeping a block, each of which a killed process may not have reached.
    @Test
    void aBlockIsThereOnceItsRecordIsWhole() throws IOException {
        for (int torn : new int[] {1, 17, PartialJournal.RECORD_BYTES}) {
            try (PartialStore store = open()) {
                put(store, IDS[2]);
                put(store, IDS[3]);
                put(store, IDS[8]);
            }
            try (RandomAccessFile journal = new RandomAccessFile(journal().toFile(), "rw")) {
                journal.setLength(journal.length() - torn);
            }
            Files.writeString(directory().resolve("experts-77.cm3"), "a file that was being made");
            try (PartialStore store = open()) {
                assertHas(store, IDS[2], IDS[3]);
                assertEquals(List.of("blocks.journal", "experts-0.cm3"), names());
            }
            Files.delete(journal());
        }
    }

    @Test
    void recordsAndFilesThatAreDamagedTellOfNothing() {
        Seeds.each(8, (seed, random) -> {
            try (PartialStore store = open()) {
                put(store, IDS[0]);
                put(store, IDS[1]);
                put(store, IDS[6]);
            }
            Path damaged =
                    random.nextBoolean() ? journal() : directory().resolve("experts-" + random.nextInt(2) + ".cm3");
            if (random.nextInt(4) == 0) {
                try (RandomAccessFile file = new RandomAccessFile(damaged.toFile(), "rw")) {
                    file.setLength(random.nextLong(file.length()));
                }
            } else {
                Flip.bit(damaged, random.nextLong(8 * Files.size(damaged)));
            }
            try (PartialStore store = open()) {
                for (int id : store.ids()) {
                    try {
                        assertArrayEquals(block(id), read(store, id));
                    } catch (MalformedModelException e) {
                        assertFalse(store.has(id));
                    }
                }
                put(store, IDS[0]);
                put(store, IDS[1]);
                put(store, IDS[6]);
                assertHas(store, IDS[0], IDS[1], IDS[6]);
            }
            clear();
        });
    }

    @Test
    void aDamagedBlockIsThereNoLongerAndComesAnew() throws IOException {
        try (PartialStore store = open()) {
            put(store, IDS[0]);
            put(store, IDS[1]);
            byte[] block = block(IDS[0]);
            Path file = directory().resolve("experts-0.cm3");
            Flip.bit(file, 8 * offsetOf(file, block));
            assertThrows(MalformedModelException.class, () -> read(store, IDS[0]));
            assertHas(store, IDS[1]);
        }
        try (PartialStore store = open()) {
            assertHas(store, IDS[1]);
            put(store, IDS[0]);
            assertHas(store, IDS[0], IDS[1]);
        }
    }

    @Test
    void anotherModelHasAFolderOfItsOwn() throws IOException {
        StoreManifest other =
                StoreManifest.read(new SampleStore(62, 6, 5000, 70_000).write(scratch.resolve("b.mtier")));
        try (PartialStore store = open();
                PartialStore beside = PartialStore.open(folder, other)) {
            put(store, IDS[3]);
            assertHas(beside);
        }
        try (PartialStore store = open()) {
            assertHas(store, IDS[3]);
        }
    }

    @Test
    void aFullDiskIsOneSentenceAndWhatIsThereStays() throws IOException {
        AtomicLong free = new AtomicLong(1 << 20);
        try (PartialStore store = PartialStore.open(folder, manifest, free::get)) {
            put(store, IDS[0]);
            free.set(180_000); // for two blocks of the second class
            put(store, IDS[6]);
            put(store, IDS[7]);
            free.set(60_000);
            IOException full = assertThrows(IOException.class, () -> put(store, IDS[8]));
            String sentence = "not enough space on the disk of .*: need [\\d.]+ KiB, free 58[.]6 KiB";
            assertTrue(String.valueOf(full.getMessage()).matches(sentence), full.getMessage());
            assertHas(store, IDS[0], IDS[6], IDS[7]);
            free.set(1 << 30);
            put(store, IDS[8]);
            assertHas(store, IDS[0], IDS[6], IDS[7], IDS[8]);
        }
    }

    @Test
    void blocksOfHalfFullFilesMoveTogether() throws IOException {
        for (int i = 0; i < 6; i++) {
            try (PartialStore store = open()) {
                put(store, IDS[i]);
            }
        }
        try (PartialStore store = open()) {
            assertHas(store, IDS[0], IDS[1], IDS[2], IDS[3], IDS[4], IDS[5]);
        }
        assertEquals(List.of("blocks.journal", "experts-4.cm3", "experts-5.cm3"), names());
    }

    @Test
    void oneProcessUsesAFolder() throws IOException {
        try (PartialStore _ = open()) {
            IOException used = assertThrows(IOException.class, this::open);
            assertEquals(
                    folder + ": no experts can be kept there: another node holds experts there", used.getMessage());
        }
        open().close();
    }

    /// Two machines that imported the same model have other files, of other times.
    @Test
    void theDigestIsOfTheExpertsAlone() {
        StoreManifest elsewhere = new StoreManifest(
                Json.parseObject(new byte[] {'{', '}'}, Path.of("elsewhere")),
                List.of(),
                manifest.sizeClasses(),
                manifest.experts());
        assertEquals(manifest.expertsDigest(), elsewhere.expertsDigest());
        StoreManifest fewer = new StoreManifest(
                manifest.description(),
                manifest.files(),
                manifest.sizeClasses(),
                manifest.experts().subList(1, manifest.experts().size()));
        assertNotEquals(manifest.expertsDigest(), fewer.expertsDigest());
    }

    @Test
    void readersGoOnWhileBlocksComeAndMove() throws IOException, InterruptedException {
        try (PartialStore store = open()) {
            put(store, IDS[6]);
        }
        try (PartialStore store = open()) {
            AtomicBoolean done = new AtomicBoolean();
            AtomicReference<Throwable> failure = new AtomicReference<>();
            Thread reader = Thread.ofPlatform().start(() -> {
                while (!done.get()) {
                    assertArrayEquals(block(IDS[6]), read(store, IDS[6]));
                }
            });
            reader.setUncaughtExceptionHandler((thread, e) -> failure.set(e));
            for (int id : IDS) {
                put(store, id);
            }
            done.set(true);
            reader.join();
            assertEquals(null, failure.get());
            assertHas(store, IDS);
        }
    }

    @Test
    void aKilledProcessLeavesWhatItHasSaid() throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith("--add-") || argument.startsWith("--enable-native"))
                .forEach(command::add);
        command.addAll(List.of("-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path")));
        command.add(KeepUntilKilled.class.getName());
        command.add(scratch.resolve("whole.mtier").toString());
        command.add(folder.toString());
        TreeSet<Integer> said = new TreeSet<>();
        try (ChildProcess child =
                        ChildProcess.start(new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT));
                BufferedReader out = new BufferedReader(
                        new InputStreamReader(child.process().getInputStream(), StandardCharsets.UTF_8))) {
            while (said.size() < 4) {
                said.add(Integer.valueOf(out.readLine()));
            }
            child.process().toHandle().destroyForcibly(); // which leaves what it said to be read
            child.waitFor();
            out.lines().map(Integer::valueOf).forEach(said::add);
        }
        try (PartialStore store = open()) {
            for (int id : said) {
                assertArrayEquals(block(id), read(store, id));
            }
            for (int id : IDS) {
                put(store, id);
            }
            assertHas(store, IDS);
        }
    }

    private static byte[] block(int id) {
        return Objects.requireNonNull(SAMPLE.blocks().get(ExpertId.unpack(id)));
    }

    private PartialStore open() throws IOException {
        return PartialStore.open(folder, manifest);
    }

    private Path directory() {
        return folder.resolve(manifest.expertsDigest());
    }

    private Path journal() {
        return directory().resolve(PartialJournal.FILE_NAME);
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(directory())) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private void clear() throws IOException {
        for (String name : names()) {
            Files.delete(directory().resolve(name));
        }
    }

    private static void put(PartialStore store, int id) throws IOException {
        store.put(id, MemorySegment.ofArray(block(id)));
    }

    private static byte[] read(PartialStore store, int id) {
        int bytes = block(id).length;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment slot = arena.allocate(BlockLayout.slotBytes(bytes), BlockLayout.PAGE_BYTES);
            store.read(id, slot);
            return slot.asSlice(0, bytes).toArray(ValueLayout.JAVA_BYTE);
        }
    }

    private static void assertHas(PartialStore store, int... ids) {
        assertArrayEquals(ids, store.ids());
        for (int id : ids) {
            assertArrayEquals(block(id), read(store, id));
        }
    }

    private static long offsetOf(Path file, byte[] block) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        for (int at = 0; at + block.length <= bytes.length; at += BlockLayout.PAGE_BYTES) {
            if (Arrays.equals(bytes, at, at + block.length, block, 0, block.length)) {
                return at;
            }
        }
        throw new AssertionError("no such block in " + file);
    }
}
