package io.moetier.storage.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnfinishedFileTest {
    private static final String DEAD = ".t.gz.moetier-0123456789abcdef";

    @TempDir
    Path directory = Path.of("");

    @Test
    void takesThePlaceOfTheTargetWhenItIsWhole() throws IOException {
        Path target = Files.writeString(directory.resolve("t.gz"), "old");
        try (UnfinishedFile file = UnfinishedFile.create(target)) {
            Files.writeString(file.path(), "new");
            assertEquals("old", Files.readString(target));
            file.publish();
        }
        assertEquals("new", Files.readString(target));
        assertEquals(List.of("t.gz"), names());
    }

    @Test
    void isPrivateIfItIsToBe() throws IOException {
        assumeTrue(directory.getFileSystem().supportedFileAttributeViews().contains("posix"));
        Path inside = directory.resolve("a/b");
        UnfinishedFile.createPrivateDirectories(inside);
        Path target = Files.writeString(inside.resolve("t"), "readable by all");
        try (UnfinishedFile file = UnfinishedFile.createPrivate(target)) {
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file.path())));
            file.publish();
        }
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(target)));
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(inside)));
    }

    @Test
    void goesOtherwise() throws IOException {
        try (UnfinishedFile file = UnfinishedFile.create(directory.resolve("t.gz"))) {
            Files.writeString(file.path(), "new");
            assertEquals(2, names().size(), "the file and its lock");
        }
        assertEquals(List.of(), names());
    }

    @Test
    void namesAreGivenAgain() throws IOException {
        Path target = directory.resolve("t.gz");
        Path first;
        try (UnfinishedFile one = UnfinishedFile.create(target);
                UnfinishedFile two = UnfinishedFile.create(target)) {
            first = one.path();
            assertNotEquals(first, two.path());
        }
        try (UnfinishedFile next = UnfinishedFile.create(target)) {
            assertEquals(first, next.path(), "each name is remembered until the process ends");
        }
    }

    @Test
    void aDirectoryThatIsNotThereIsAnError() {
        assertThrows(IOException.class, () -> UnfinishedFile.create(directory.resolve("no/t.gz")));
    }

    @Test
    void whatNobodyWorksAtIsCleared() throws IOException {
        Files.writeString(directory.resolve(DEAD + ".tmp"), "dead");
        Files.createFile(directory.resolve(DEAD + ".lock"));
        Files.writeString(directory.resolve(".other.moetier-00112233445566aa.tmp"), "without a lock");
        Files.createFile(directory.resolve(".u.moetier-00112233445566bb.lock"));
        assertEquals(new Leftovers(4 + 14, 0, Optional.empty()), UnfinishedFile.clear(directory));
        assertEquals(List.of(), names());
        assertEquals(Leftovers.NONE, UnfinishedFile.clear(directory));
    }

    @Test
    void whatSomebodyWorksAtStays() throws IOException {
        try (UnfinishedFile file = UnfinishedFile.create(directory.resolve("t.gz"))) {
            assertEquals(Leftovers.NONE, UnfinishedFile.clear(directory));
            Path link = Files.createSymbolicLink(directory.resolve("link"), directory);
            assertEquals(Leftovers.NONE, UnfinishedFile.clear(link));
            Files.delete(link);
            assertTrue(Files.exists(file.path()));
            assertEquals(2, names().size());
        }
    }

    @Test
    void onlyItsOwnNamesAreCleared() throws IOException {
        List<String> others =
                List.of(".t.gz.tmp", ".t.gz.lock", ".t.moetier-xyz.tmp", "t.moetier-0123456789abcdef.tmp");
        for (String other : others) {
            Files.createFile(directory.resolve(other));
        }
        Path letter = Files.writeString(directory.resolve("letter"), "dear");
        Path link = Files.createSymbolicLink(directory.resolve(DEAD + ".tmp"), letter);
        Path folder = Files.createDirectory(directory.resolve(DEAD.replace('0', '1') + ".tmp"));
        assertEquals(Leftovers.NONE, UnfinishedFile.clear(directory));
        assertEquals(others.size() + 3, names().size());
        assertTrue(Files.isSymbolicLink(link) && Files.isDirectory(folder));
        assertEquals("dear", Files.readString(letter));
    }

    @Test
    void aLockThatIsALinkIsNobodys() throws IOException {
        Path letter = Files.writeString(directory.resolve("letter"), "dear");
        Files.writeString(directory.resolve(DEAD + ".tmp"), "dead");
        Files.createSymbolicLink(directory.resolve(DEAD + ".lock"), letter);
        Leftovers left = UnfinishedFile.clear(directory);
        assertEquals(4, left.keptBytes());
        assertTrue(left.reason().orElseThrow().startsWith(directory.resolve(DEAD + ".tmp") + ": "), left::toString);
        assertTrue(Files.exists(letter));
    }

    @Test
    void aDirectoryThatCannotBeReadHasNone() {
        assertEquals(Leftovers.NONE, UnfinishedFile.clear(directory.resolve("none")));
        assertFalse(Files.exists(directory.resolve("none")));
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> String.valueOf(file.getFileName()))
                    .sorted()
                    .toList();
        }
    }
}
