package io.moetier.storage.expert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.file.Leftovers;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.ExpertId;
import io.moetier.testdata.ChildProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class ExpertStoreWriterTest {
    private static final String NUMBER = "0123abcd-0123-4567-89ab-0123456789ab";
    private static final SampleStore OLD = new SampleStore(31, 2, 5000);
    private static final SampleStore NEW = new SampleStore(32, 3, 5000);
    private static final ExpertId FIRST = new ExpertId(0, 0);

    @TempDir
    private Path scratch;

    @Test
    void publishesNothingButTheStore() throws IOException {
        Path target = scratch.resolve("a/b/sample.mtier");
        OLD.write(target);

        assertEquals(List.of("sample.mtier"), names(scratch.resolve("a/b")));
        assertEquals(List.of("config.json", "dense.safetensors", "experts-0.cm3", "manifest.json"), names(target));
        assertHolds(OLD, target);
    }

    @Test
    void blocksAreReservedOnDisk() throws IOException, InterruptedException {
        try (ExpertStoreWriter writer = ExpertStoreWriter.create(scratch.resolve("big.mtier"), false)) {
            writer.addSizeClass(
                    BlockLayout.EMPTY.with("w", DType.F32, 1, 1, 1 << 20), List.of(FIRST, new ExpertId(0, 1)));
            Path file = writer.directory().resolve("experts-0.cm3");
            String kibibytes = ChildProcess.run(new ProcessBuilder("du", "-k", file.toString()))
                    .said();
            assertTrue(Long.parseLong(kibibytes.substring(0, kibibytes.indexOf('\t'))) >= 2048, kibibytes);
        }
    }

    /// A Ctrl-C may come just before; the import hears of it soon after, and nothing else is to be said.
    @Test
    void aStoreIsWrittenAlsoWhereTheProcessIsEnding() throws IOException, InterruptedException {
        Path target = scratch.resolve("late.mtier");
        ChildProcess.Ended ended = ChildProcess.run(
                new ProcessBuilder(ChildProcess.java(WriteAtTheEnd.class, List.of(target.toString()))));
        assertEquals(
                List.of("written"),
                ended.said()
                        .lines()
                        .filter(line -> !line.matches("(WARNING|SLF4J).*"))
                        .toList());
        assertEquals(0, ended.exitCode());
        assertEquals(List.of(), StoreVerifier.verify(target, bytes -> {}));
    }

    /// As where a thread is interrupted while it waits for the lock.
    @Test
    void aFileThatCannotBeLockedIsAFailure() throws IOException {
        Path file = scratch.resolve("experts.cm3");
        PosixCalls posix = PosixCalls.ofPlatform();
        ExpertMap.open(file, BlockLayout.PAGE_BYTES, 1, posix).close();
        try (FileChannel held = FileChannel.open(file, StandardOpenOption.WRITE);
                FileLock _ = held.lock()) {
            IOException failure =
                    assertThrows(IOException.class, () -> ExpertMap.open(file, BlockLayout.PAGE_BYTES, 1, posix));
            assertEquals("it cannot be locked", failure.getMessage());
        }
    }

    @Test
    void leavesNoFileOpenAfterWritingBackEarly() throws IOException {
        SampleStore large = new SampleStore(33, 3, 9_000_000);
        Path target = large.write(scratch.resolve("large.mtier"));
        assertHolds(large, target);
        assertEquals(List.of(), StoreVerifier.verify(target, bytes -> {}));

        Path descriptors = Path.of("/proc/self/fd");
        if (Files.isDirectory(descriptors)) {
            try (Stream<Path> links = Files.list(descriptors)) {
                assertEquals(
                        List.of(),
                        links.filter(Files::isSymbolicLink)
                                .map(ExpertStoreWriterTest::destination)
                                .filter(file -> file.contains("large.mtier"))
                                .toList());
            }
        }
    }

    @Test
    void leavesNothingWhenAbandoned() throws IOException {
        try (ExpertStoreWriter writer = ExpertStoreWriter.create(scratch.resolve("sample.mtier"), false)) {
            OLD.fill(writer);
        }
        assertEquals(List.of(), names(scratch));
    }

    @Test
    void refusesAnExistingTargetUnlessToldToReplaceAStore() throws IOException {
        Path target = OLD.write(scratch.resolve("sample.mtier"));
        assertFails("sample.mtier exists already", () -> ExpertStoreWriter.create(target, false));

        Path documents = Files.createDirectory(scratch.resolve("documents"));
        Files.writeString(documents.resolve("letter.txt"), "dear");
        assertFails("is not an expert store, so it is not replaced", () -> ExpertStoreWriter.create(documents, true));
        assertFails("not replaced", () -> ExpertStoreWriter.create(documents.resolve("letter.txt"), true));

        assertEquals(List.of("documents", "sample.mtier"), names(scratch));
        NEW.write(target, true);
        assertHolds(NEW, target);
        assertEquals(List.of("documents", "sample.mtier"), names(scratch));
    }

    @Test
    void aLinkStaysAndWhatItNamesIsReplaced() throws IOException {
        Path target = OLD.write(scratch.resolve("sample.mtier"));
        Path link = Files.createSymbolicLink(scratch.resolve("link.mtier"), target);
        NEW.write(link, true);
        assertHolds(NEW, target);
        assertTrue(Files.isSymbolicLink(link));
        Path nowhere = Files.createSymbolicLink(scratch.resolve("nowhere.mtier"), Path.of("gone.mtier"));
        assertFails(
                "nowhere.mtier is a link to gone.mtier, which does not exist",
                () -> ExpertStoreWriter.create(nowhere, true));
        assertEquals(List.of("link.mtier", "nowhere.mtier", "sample.mtier"), names(scratch));
    }

    @Test
    void anOpenStoreOutlivesItsReplacement() throws IOException {
        Path target = OLD.write(scratch.resolve("sample.mtier"));
        for (IoMode mode : IoMode.values()) {
            try (ExpertStore open = ExpertStore.open(target, mode)) {
                byte[] before = SampleStore.read(open, FIRST);
                NEW.write(target, true);
                assertArrayEquals(before, SampleStore.read(open, FIRST));
            }
            OLD.write(target, true);
        }
    }

    @Test
    void theOldStoreOpensUntilTheMomentOfPublishing() throws IOException {
        Path target = OLD.write(scratch.resolve("sample.mtier"));
        try (ExpertStoreWriter writer = ExpertStoreWriter.create(target, true)) {
            NEW.fill(writer);
            assertHolds(OLD, target);
            writer.publish(Map.of());
            assertHolds(NEW, target);
        }
        assertHolds(NEW, target);
    }

    @Test
    void replacesWithoutAnExchangeOfNames() throws IOException {
        Path target = OLD.write(scratch.resolve("sample.mtier"));
        try (ExpertStoreWriter writer = ExpertStoreWriter.create(target, true, PosixCalls.none())) {
            NEW.fill(writer);
            writer.publish(Map.of());
        }
        assertHolds(NEW, target);
        assertEquals(List.of("sample.mtier"), names(scratch));
    }

    @Test
    void aReplacementCutShortBetweenItsRenamesLosesNothing() throws IOException {
        Path target = OLD.write(scratch.resolve("sample.mtier"));
        Path aside = scratch.resolve(".sample.mtier.replaced-" + NUMBER);
        Files.move(target, aside);
        assertHolds(OLD, target);
        assertEquals(
                StoreManifest.read(aside).expertsDigest(),
                StoreManifest.read(target).expertsDigest());
        assertEquals(List.of(), StoreVerifier.verify(target, bytes -> {}));

        assertFails("exists already", () -> ExpertStoreWriter.create(target, false));
        assertEquals(List.of("sample.mtier"), names(scratch));
        assertHolds(OLD, target);
    }

    @Test
    void clearsAwayWhatDeadImportsLeft() throws IOException {
        Path dead = Files.createDirectory(scratch.resolve(".sample.mtier.importing-" + NUMBER));
        Files.writeString(dead.resolve("experts-0.cm3"), "half");
        Files.writeString(scratch.resolve(".sample.mtier.lock"), "");
        Files.createDirectory(scratch.resolve(".other.mtier.importing-" + NUMBER));

        OLD.write(scratch.resolve("sample.mtier"));

        assertEquals(List.of(".other.mtier.importing-" + NUMBER, "sample.mtier"), names(scratch));
    }

    @Test
    void clearsAwayWhatDeadImportsOfAnyTargetLeft() throws IOException {
        Files.createDirectory(scratch.resolve(".dead.mtier.importing-" + NUMBER));
        Files.writeString(scratch.resolve(".dead.mtier.importing-" + NUMBER + "/experts-0.cm3"), "half");
        Files.writeString(scratch.resolve(".dead.mtier.lock"), "");
        Files.createDirectory(scratch.resolve(".other.mtier.importing-" + NUMBER));
        OLD.write(scratch.resolve("published.mtier"));
        try (ExpertStoreWriter alive = ExpertStoreWriter.create(scratch.resolve("alive.mtier"), false)) {
            assertEquals(new Leftovers(4, 0, Optional.empty()), ExpertStoreWriter.clearLeftovers(scratch));
            String staging = String.valueOf(alive.directory().getFileName());
            assertEquals(List.of(staging, ".alive.mtier.lock", "published.mtier"), names(scratch));
        }
    }

    @Test
    void nothingOfOthersIsCleared() throws IOException {
        Path letters = Files.createDirectory(scratch.resolve("letters"));
        Files.writeString(letters.resolve("manifest.json"), "dear");
        Files.createSymbolicLink(scratch.resolve(".linked.mtier.importing-" + NUMBER), letters);
        Files.writeString(scratch.resolve(".full.mtier.lock"), "mine");
        Files.createFile(scratch.resolve(".editor.lock"));
        Files.createDirectory(scratch.resolve(".photos.importing-" + NUMBER));
        Files.createDirectory(scratch.resolve(".store.mtier.importing-photos"));
        List<String> before = names(scratch);
        assertEquals(Leftovers.NONE, ExpertStoreWriter.clearLeftovers(scratch));
        assertEquals(before, names(scratch));
        assertEquals("dear", Files.readString(letters.resolve("manifest.json")));
    }

    @Test
    void whatCannotBeClearedIsTold() throws IOException {
        Path dead = Files.createDirectory(scratch.resolve(".dead.mtier.importing-" + NUMBER));
        Files.writeString(dead.resolve("experts-0.cm3"), "half");
        Files.createSymbolicLink(scratch.resolve(".dead.mtier.lock"), scratch.resolve("nowhere"));
        Leftovers left = ExpertStoreWriter.clearLeftovers(scratch);
        assertEquals(4, left.keptBytes());
        assertTrue(left.reason().isPresent());
        assertTrue(Files.exists(dead));
    }

    @Test
    void whatAKilledProcessLeavesOfAScratchDirectoryIsCleared() throws IOException {
        try (ScratchDirectory inUse = ScratchDirectory.create(scratch)) {
            Path killed = scratch.resolve(".scratch-" + NUMBER + ".mtier.importing-" + NUMBER);
            Files.writeString(
                    Files.createDirectories(killed.resolve("small.mtier")).resolve("experts-0.cm3"), "half");
            assertEquals(new Leftovers(4, 0, Optional.empty()), ExpertStoreWriter.clearLeftovers(scratch));
            assertTrue(Files.exists(inUse.path()));
            Files.createDirectory(inUse.path().resolve("inner"));
        }
        assertEquals(List.of(), names(scratch));
    }

    @Test
    void anImportCanBeWaitedFor() throws IOException, InterruptedException {
        Path target = scratch.resolve("sample.mtier");
        assertFalse(ExpertStoreWriter.awaitOthers(target, () -> {}));
        ExpertStoreWriter other = ExpertStoreWriter.create(target, false);
        OLD.fill(other);
        assertTrue(ExpertStoreWriter.awaitOthers(target, () -> {
            try (other) {
                other.publish(Map.of());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }));
        assertHolds(OLD, target);
        assertEquals(List.of("sample.mtier"), names(scratch));
    }

    @Test
    void saysInWordsWhyNoStoreCanBeMade() throws IOException {
        Path file = Files.writeString(scratch.resolve("letter.txt"), "dear");
        assertFails(
                file + ": no store can be made there: a file of that name exists",
                () -> ExpertStoreWriter.create(file.resolve("sample.mtier"), false));
    }

    @Test
    void oneImportAtATime() throws IOException {
        Path target = scratch.resolve("sample.mtier");
        try (ExpertStoreWriter first = ExpertStoreWriter.create(target, false)) {
            assertFails("another import of ", () -> ExpertStoreWriter.create(target, false));
            OLD.fill(first);
            first.publish(Map.of());
        }
        assertHolds(OLD, target);
    }

    @Test
    void refusesIncompleteOrRepeatedExperts() throws IOException {
        BlockLayout layout = BlockLayout.EMPTY.with("w", DType.F32, 1, 1, 100);
        MemorySegment block = MemorySegment.ofArray(new byte[100]);
        try (ExpertStoreWriter writer = ExpertStoreWriter.create(scratch.resolve("sample.mtier"), false)) {
            writer.addSizeClass(layout, List.of(FIRST, new ExpertId(0, 1)));
            writer.put(FIRST, block);
            assertThrows(IllegalArgumentException.class, () -> writer.put(FIRST, block));
            assertThrows(IllegalArgumentException.class, () -> writer.put(new ExpertId(1, 0), block));
            assertThrows(IllegalArgumentException.class, () -> writer.put(new ExpertId(0, 1), block.asSlice(1)));
            assertThrows(IllegalArgumentException.class, () -> writer.addSizeClass(layout, List.of(FIRST)));
            assertThrows(IllegalStateException.class, () -> writer.publish(Map.of()));
        }
        assertEquals(List.of(), names(scratch));
    }

    @Test
    void refusesMappedMemory() throws IOException {
        Path file = Files.write(scratch.resolve("weights"), new byte[100]);
        try (ExpertStoreWriter writer = ExpertStoreWriter.create(scratch.resolve("sample.mtier"), false);
                Arena arena = Arena.ofConfined();
                FileChannel channel = FileChannel.open(file)) {
            writer.addSizeClass(BlockLayout.EMPTY.with("w", DType.F32, 1, 1, 100), List.of(FIRST));
            MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, 100, arena);
            assertThrows(IllegalArgumentException.class, () -> writer.put(FIRST, mapped));
        }
    }

    /// Each file of experts needs a tenth more than its size, but only while the next ones are not there yet.
    @Test
    void spaceIsNeededForTheFilesAndATenthOfOne() {
        assertEquals(50, ExpertStoreWriter.requiredSpace(50));
        assertEquals(50 + 110, ExpertStoreWriter.requiredSpace(50, 100));
        assertEquals(50 + 100 + 220, ExpertStoreWriter.requiredSpace(50, 100, 200));
        assertEquals(50 + 1100, ExpertStoreWriter.requiredSpace(50, 1000, 10));
    }

    @Test
    void saysThatTheDiskIsTooSmall() throws IOException {
        try (ExpertStoreWriter writer = ExpertStoreWriter.create(scratch.resolve("sample.mtier"), false)) {
            assertFails("not enough space on ", () -> writer.requireSpace(1L << 60));
            BlockLayout huge = BlockLayout.EMPTY.with("w", DType.F32, 1, 1, 2_000_000_000);
            List<ExpertId> many = Stream.iterate(0, i -> i + 1)
                    .limit(60_000)
                    .map(i -> new ExpertId(0, i))
                    .toList();
            assertFails("not enough space on ", () -> writer.addSizeClass(huge, many));
        }
        assertEquals(List.of(), names(scratch));
    }

    private static String destination(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            // closed since it was listed
            return "";
        }
    }

    private static void assertFails(String reason, Executable executable) {
        String message =
                String.valueOf(assertThrows(IOException.class, executable).getMessage());
        assertTrue(message.contains(reason), message);
        assertFalse(message.contains("Exception"), message);
    }

    private static void assertHolds(SampleStore sample, Path target) {
        try (ExpertStore store = ExpertStore.open(target, IoMode.PREAD)) {
            assertEquals(sample.blocks().size(), store.experts().size());
            sample.blocks().forEach((id, block) -> assertArrayEquals(block, SampleStore.read(store, id)));
        }
    }

    private static List<String> names(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> String.valueOf(file.getFileName()))
                    .sorted()
                    .toList();
        }
    }
}
