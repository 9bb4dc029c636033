package io.moetier.storage.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TemporaryDirectoryTest {
    private static final String DEAD = "moetier-native-01234567-89ab-cdef-0123-456789abcdef";

    @TempDir
    Path directory = Path.of("");

    @Test
    void goesWithAllThatIsInIt() throws IOException {
        try (TemporaryDirectory made = TemporaryDirectory.create(directory, "native")) {
            Files.writeString(
                    Files.createDirectories(made.path().resolve("a/b")).resolve("c"), "content");
            assertEquals(2, names().size(), "the directory and its lock");
        }
        assertEquals(List.of(), names());
    }

    @Test
    void isPrivate() throws IOException {
        assumeTrue(directory.getFileSystem().supportedFileAttributeViews().contains("posix"));
        try (TemporaryDirectory made = TemporaryDirectory.create(directory, "native")) {
            assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(made.path())));
        }
    }

    @Test
    void whatAKilledProcessLeftGoesWithTheNext() throws IOException {
        Files.writeString(Files.createDirectory(directory.resolve(DEAD)).resolve("library.so"), "dead");
        Files.createFile(directory.resolve(DEAD + ".lock"));
        Files.createFile(directory.resolve(DEAD.replace("native", "profile") + ".lock"));
        Files.createDirectory(directory.resolve(DEAD.replace("native", "tune")));
        TemporaryDirectory.create(directory, "native").close();
        assertEquals(List.of(), names());
    }

    @Test
    void whatALivingProcessUsesStays() throws IOException {
        try (TemporaryDirectory living = TemporaryDirectory.create(directory, "native")) {
            TemporaryDirectory.create(directory, "native").close();
            assertTrue(Files.isDirectory(living.path()));
            assertEquals(2, names().size());
        }
    }

    @Test
    void nothingElseIsCleared() throws IOException {
        Path letter = Files.writeString(directory.resolve("letter"), "dear");
        Files.createSymbolicLink(directory.resolve(DEAD + ".lock"), letter);
        Files.createDirectory(directory.resolve(DEAD));
        Files.createDirectory(directory.resolve("moetier-native-of mine"));
        TemporaryDirectory.create(directory, "native").close();
        assertEquals(4, names().size());
        assertEquals("dear", Files.readString(letter));
    }

    @Test
    void oneThatCleanersOfOldFilesTookIsNotMissed() throws IOException {
        try (TemporaryDirectory made = TemporaryDirectory.create(directory, "native")) {
            Files.delete(made.path());
        }
        assertEquals(List.of(), names());
    }

    @Test
    void aParentThatIsNotThereIsAnError() {
        Path parent = directory.resolve("none");
        assertThrows(IOException.class, () -> TemporaryDirectory.create(parent, "native"));
        assertFalse(Files.exists(parent));
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> String.valueOf(file.getFileName()))
                    .sorted()
                    .toList();
        }
    }
}
