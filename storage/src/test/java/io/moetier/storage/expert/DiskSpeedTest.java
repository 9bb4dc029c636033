package io.moetier.storage.expert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskSpeedTest {
    @TempDir
    Path directory;

    @Test
    void aFileIsReadAndNothingIsLeft() throws IOException {
        Path folder = directory.resolve("not/there/yet");
        DiskSpeed speed = DiskSpeed.measure(folder, 5 << 20);
        assertTrue(speed.bytesPerSecond() > 0);
        assertTrue(speed.cachedBytesPerSecond() > 0);
        assertTrue(speed.way().matches("(direct|pread .direct refused: .*), [1248] at a time"), speed.way());
        assertEmpty(folder);
    }

    @Test
    void nothingIsMeasuredWithoutSpace() throws IOException {
        IOException failure = assertThrows(IOException.class, () -> DiskSpeed.measure(directory, 0));
        assertEquals(directory + ": no space for a file to read", failure.getMessage());
        assertEmpty(directory);
    }

    @Test
    void anInterruptEndsItAndNothingIsLeft() throws IOException {
        Thread.currentThread().interrupt();
        try {
            assertThrows(IOException.class, () -> DiskSpeed.measure(directory, 5 << 20));
        } finally {
            assertTrue(Thread.interrupted());
        }
        assertEmpty(directory);
    }

    @Test
    void aFolderThatCannotBeIsAnError() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));
        assertThrows(IOException.class, () -> DiskSpeed.measure(file.resolve("folder"), 1));
    }

    private static void assertEmpty(Path folder) throws IOException {
        try (Stream<Path> left = Files.list(folder)) {
            assertEquals(List.of(), left.toList());
        }
    }
}
