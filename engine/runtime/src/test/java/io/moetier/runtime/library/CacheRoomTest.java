package io.moetier.runtime.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CacheRoomTest {
    @TempDir
    Path cache = Path.of("");

    private final List<String> questions = new ArrayList<>();
    private Path old = Path.of("");
    private Path recent = Path.of("");

    @BeforeEach
    void fill() throws IOException {
        recent = store("mixtral-0123abcd", 2);
        old = store("olmoe-4567cdef", 1);
    }

    @Test
    void nobodyIsAskedWhereThereIsRoom() {
        room(false, 1100).require(cache.resolve("new/1.mtier"), 1100);
        assertEquals(List.of(), questions);
    }

    @Test
    void theLongestUnusedStoreGoesIfTheUserAgrees() {
        room(true, 500).require(cache.resolve("new/1.mtier"), 1100);
        assertFalse(Files.exists(old.getParent()));
        assertTrue(Files.exists(recent));
        assertEquals(
                List.of("not enough space in " + cache
                        + ": need 1.07 KiB, free 500 B; remove the stores of olmoe (1000 B)?"),
                questions);
    }

    @Test
    void useIsNoted() throws IOException {
        CacheRoom.markUsed(old);
        assertTrue(Files.getLastModifiedTime(old.getParent()).compareTo(Files.getLastModifiedTime(recent.getParent()))
                > 0);
        room(true, 500).require(cache.resolve("new/1.mtier"), 1100);
        assertTrue(Files.exists(old));
        assertFalse(Files.exists(recent));
    }

    @Test
    void whatTheModelWasBeforeGoesFirstAndUnasked() {
        Path store = old.resolveSibling("2-keep.mtier");
        room(false, 1100).require(store, 1100);
        assertTrue(Files.exists(old));
        room(false, directory -> Files.exists(old) ? 500 : 1500).require(store, 1100);
        assertFalse(Files.exists(old));
        assertTrue(Files.exists(recent));
        assertEquals(List.of(), questions);
    }

    @Test
    void aFolderThatNobodyMayLookIntoStays() throws IOException {
        Path closed = Files.createDirectory(cache.resolve("closed"));
        Files.setPosixFilePermissions(closed, Set.of());
        room(true, 500).require(cache.resolve("new/1.mtier"), 1100);
        assertFalse(Files.exists(old));
        Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("rwx------"));
    }

    @Test
    void whatTheModelWasBeforeIsNoOtherModel() {
        UncheckedIOException failure = assertThrows(
                UncheckedIOException.class, () -> room(false, 500).require(old.resolveSibling("2-keep.mtier"), 1100));
        assertEquals(
                "not enough space in " + cache + ": need 1.07 KiB, free 500 B; stores of other models in it take"
                        + " 1000 B; MOETIER_CACHE names another directory",
                failure.getMessage());
    }

    @Test
    void nothingGoesOtherwise() {
        refused(room(false, 500));
    }

    @Test
    void nobodyIsAskedWhereItWouldNotHelp() {
        UncheckedIOException failure = assertThrows(
                UncheckedIOException.class, () -> room(true, 500).require(cache.resolve("new/1.mtier"), 11_000));
        assertTrue(String.valueOf(failure.getMessage()).startsWith("not enough space in " + cache), failure::toString);
        assertEquals(List.of(), questions);
    }

    @Test
    void theStoreThatIsToBeMadeAgainStays() {
        assertThrows(UncheckedIOException.class, () -> room(true, 0).require(old, 1100));
        assertTrue(Files.exists(old));
    }

    private void refused(CacheRoom room) {
        UncheckedIOException failure =
                assertThrows(UncheckedIOException.class, () -> room.require(cache.resolve("new/1.mtier"), 1100));
        assertEquals(
                "not enough space in " + cache + ": need 1.07 KiB, free 500 B; stores of other models in it take"
                        + " 1.95 KiB; MOETIER_CACHE names another directory",
                failure.getMessage());
        assertTrue(Files.exists(old) && Files.exists(recent));
    }

    private CacheRoom room(boolean agrees, long free) {
        return room(agrees, directory -> free);
    }

    private CacheRoom room(boolean agrees, CacheRoom.FreeSpace free) {
        LibraryListener listener = new LibraryListener() {
            @Override
            public boolean agrees(String question) {
                questions.add(question);
                return agrees;
            }
        };
        return new CacheRoom(new CacheFolder(cache, "MOETIER_CACHE names another directory"), listener, free);
    }

    private Path store(String model, int lastUse) throws IOException {
        Path store = Files.createDirectories(cache.resolve(model).resolve("1-keep.mtier"));
        Files.write(store.resolve("experts-0.cm3"), new byte[998]);
        Files.writeString(store.resolve("manifest.json"), "{}");
        Files.setLastModifiedTime(store.getParent(), FileTime.fromMillis(1000L * lastUse));
        return store;
    }
}
