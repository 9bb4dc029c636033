package io.moetier.cli.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.terminal.Streams;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CacheRoomTest {
    @TempDir
    Path cache = Path.of("");

    private final StringWriter err = new StringWriter();
    private Path old = Path.of("");
    private Path recent = Path.of("");

    @BeforeEach
    void fill() throws IOException {
        recent = store("mixtral-0123abcd", 2);
        old = store("olmoe-4567cdef", 1);
    }

    @Test
    void nobodyIsAskedWhereThereIsRoom() {
        room("", true, 1100).require(cache.resolve("new/1.mtier"), 1100);
        assertEquals("", err.toString());
    }

    @Test
    void theLongestUnusedStoreGoesIfTheUserAgrees() {
        room("y\n", true, 500).require(cache.resolve("new/1.mtier"), 1100);
        assertFalse(Files.exists(old.getParent()));
        assertTrue(Files.exists(recent));
        assertEquals(
                "not enough space in " + cache + ": need 1.07 KiB, free 500 B; remove the stores of olmoe (1000 B)?"
                        + " [y/N] ",
                err.toString());
    }

    @Test
    void useIsNoted() throws IOException {
        CacheRoom.markUsed(old);
        assertTrue(Files.getLastModifiedTime(old.getParent()).compareTo(Files.getLastModifiedTime(recent.getParent()))
                > 0);
        room("y\n", true, 500).require(cache.resolve("new/1.mtier"), 1100);
        assertTrue(Files.exists(old));
        assertFalse(Files.exists(recent));
    }

    @Test
    void whatTheModelWasBeforeGoesFirstAndUnasked() {
        Path store = old.resolveSibling("2-keep.mtier");
        room("", false, 1100).require(store, 1100);
        assertTrue(Files.exists(old));
        room("", false, directory -> Files.exists(old) ? 500 : 1500).require(store, 1100);
        assertFalse(Files.exists(old));
        assertTrue(Files.exists(recent));
        assertEquals("", err.toString());
    }

    @Test
    void whatTheModelWasBeforeIsNoOtherModel() {
        UncheckedIOException failure = assertThrows(
                UncheckedIOException.class,
                () -> room("", false, 500).require(old.resolveSibling("2-keep.mtier"), 1100));
        assertEquals(
                "not enough space in " + cache + ": need 1.07 KiB, free 500 B; stores of other models in it take"
                        + " 1000 B; MOETIER_CACHE names another directory",
                failure.getMessage());
    }

    @Test
    void nothingGoesOtherwise() {
        for (String answer : new String[] {"\n", "n\n", ""}) {
            refused(room(answer, true, 500));
        }
        refused(room("y\n", false, 500));
    }

    @Test
    void nobodyIsAskedWhereItWouldNotHelp() {
        UncheckedIOException failure = assertThrows(
                UncheckedIOException.class, () -> room("y\n", true, 500).require(cache.resolve("new/1.mtier"), 11_000));
        assertTrue(String.valueOf(failure.getMessage()).startsWith("not enough space in " + cache), failure::toString);
        assertEquals("", err.toString());
    }

    @Test
    void theStoreThatIsToBeMadeAgainStays() {
        assertThrows(UncheckedIOException.class, () -> room("y\n", true, 0).require(old, 1100));
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

    private CacheRoom room(String answer, boolean terminal, long free) {
        return room(answer, terminal, directory -> free);
    }

    private CacheRoom room(String answer, boolean terminal, CacheRoom.FreeSpace free) {
        Streams streams = new Streams(
                new ByteArrayInputStream(answer.getBytes(StandardCharsets.UTF_8)),
                new PrintWriter(new StringWriter()),
                new PrintWriter(err));
        return new CacheRoom(cache, streams, terminal, free);
    }

    private Path store(String model, int lastUse) throws IOException {
        Path store = Files.createDirectories(cache.resolve(model).resolve("1-keep.mtier"));
        Files.write(store.resolve("experts-0.cm3"), new byte[998]);
        Files.writeString(store.resolve("manifest.json"), "{}");
        Files.setLastModifiedTime(store.getParent(), FileTime.fromMillis(1000L * lastUse));
        return store;
    }
}
