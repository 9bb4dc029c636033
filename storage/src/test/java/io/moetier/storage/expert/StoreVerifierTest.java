package io.moetier.storage.expert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.ChildProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoreVerifierTest {
    private static final int FLIPS_PER_FILE = 25;

    @TempDir
    private Path scratch;

    private Path store = Path.of("");

    @BeforeEach
    void writeStore() throws IOException {
        store = new SampleStore(21, 3, 100, 20_000).write(scratch.resolve("sample.mtier"));
    }

    @Test
    void aStoreThatNobodyMayLookIntoIsNoFolderWithoutAManifest() throws IOException {
        Files.setPosixFilePermissions(store, Set.of());
        List<Damage> damages = StoreVerifier.verify(store, bytes -> {});
        Files.setPosixFilePermissions(store, PosixFilePermissions.fromString("rwx------"));

        List<Damage> denied = List.of(new Damage("manifest.json", "cannot be read: permission denied"));
        assertTrue(damages.isEmpty() || damages.equals(denied), damages.toString()); // root may
    }

    /// Nor is an expert gone where its file cannot be opened again for that reason.
    @Test
    void aLimitOfOpenFilesIsNoDamage() throws IOException, InterruptedException {
        ChildProcess.Ended ended = ChildProcess.run(new ProcessBuilder(ChildProcess.java(
                ReadWithoutFiles.class,
                List.of(store.toString(), scratch.resolve("part").toString()))));
        assertEquals(0, ended.exitCode(), ended.said());

        List<String> said = ended.said()
                .lines()
                .filter(line -> !line.matches("(WARNING|SLF4J).*"))
                .toList();
        assertEquals("[]", said.getFirst());
        assertEquals(store + "/manifest.json: cannot be read: Too many open files", said.get(1));
        assertTrue(said.get(2).matches(store + "/.*: cannot be read: Too many open files"), ended.said());
        assertEquals("read", said.get(3), ended.said());
        assertTrue(said.get(4).endsWith(": Too many open files"), ended.said());
        assertEquals("read", said.get(5), ended.said());
    }

    @Test
    void readsEveryByteOfASoundStore() {
        AtomicLong bytes = new AtomicLong();

        assertEquals(List.of(), StoreVerifier.verify(store, bytes::addAndGet));
        assertEquals(StoreManifest.read(store).totalBytes(), bytes.get());
    }

    @Test
    void findsAFlippedBitAnywhere() throws IOException {
        long seed = Long.getLong("moetier.seed", 22);
        Random random = new Random(seed);
        for (Path file : files()) {
            long bits = Files.size(file) * 8;
            for (int i = 0; i < FLIPS_PER_FILE; i++) {
                long bit = random.nextLong(bits);
                Flip.bit(file, bit);
                List<Damage> damages = StoreVerifier.verify(store, bytes -> {});
                String where = file + ", bit " + bit + ", seed " + seed + ": " + damages;
                assertEquals(1, damages.size(), where);
                assertEquals(
                        String.valueOf(file.getFileName()), damages.getFirst().file(), where);
                assertTrue(
                        damages.getFirst().what().contains("checksum expected ") || file.endsWith("manifest.json"),
                        where);
                Flip.bit(file, bit);
            }
        }
        assertEquals(List.of(), StoreVerifier.verify(store, bytes -> {}));
    }

    @Test
    void namesTheExpert() throws IOException {
        long offset = StoreManifest.read(store).experts().get(4).offset();
        Flip.bit(store.resolve("experts-1.cm3"), offset * 8);

        String damage = StoreVerifier.verify(store, bytes -> {}).getFirst().toString();

        assertTrue(
                damage.matches("experts-1.cm3: layer 1 expert 1: checksum expected [0-9a-f]{8}, found [0-9a-f]{8}"),
                damage);
    }

    @Test
    void findsTruncatedMissingAndForeignFiles() throws IOException {
        Path experts = store.resolve("experts-0.cm3");
        byte[] bytes = Files.readAllBytes(experts);
        Files.write(experts, Arrays.copyOf(bytes, 5000));
        Files.delete(store.resolve("config.json"));
        Files.writeString(store.resolve("notes.txt"), "hello");
        Files.createDirectory(store.resolve("sub"));

        assertEquals(
                List.of(
                        "config.json: missing",
                        "experts-0.cm3: length expected " + bytes.length + " bytes, found 5000",
                        "notes.txt: not a file of this store",
                        "sub: not a file of this store"),
                StoreVerifier.verify(store, count -> {}).stream()
                        .map(Damage::toString)
                        .toList());
    }

    @Test
    void findsAFileOfGarbageInPlaceOfTheExperts() throws IOException {
        Path experts = store.resolve("experts-0.cm3");
        byte[] garbage = new byte[(int) Files.size(experts)];
        new Random(23).nextBytes(garbage);
        Files.write(experts, garbage);

        // three experts and what is around them
        assertEquals(4, StoreVerifier.verify(store, bytes -> {}).size());
    }

    @Test
    void saysThatThereIsNoStore() {
        assertThrows(MalformedModelException.class, () -> StoreVerifier.verify(scratch, bytes -> {}));
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(store)) {
            return files.sorted().toList();
        }
    }
}
