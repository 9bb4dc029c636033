package io.moetier.storage.expert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.memory.ProcessMemory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskRateTest {
    private static final int BLOCK_BYTES = 8 << 20;

    @TempDir
    Path directory = Path.of("");

    @Test
    void theBestNumberOfReadersIsTold() throws IOException {
        Path file = Files.write(directory.resolve("file"), new byte[3 * BlockLayout.PAGE_BYTES]);
        DiskRate rate = DiskRate.of(file, 5000, 0);
        assertTrue(rate.bytesPerSecond() > 0);
        assertTrue(List.of(1, 2, 4, 8).contains(rate.readers()));
    }

    @Test
    void theMemoryOfAllReadersIsGivenBack() throws IOException {
        Path file = Files.write(directory.resolve("file"), new byte[BLOCK_BYTES]);
        long before = ProcessMemory.now().anonymousBytes();
        DiskRate.of(file, BLOCK_BYTES, 0);
        long kept = ProcessMemory.now().anonymousBytes() - before;
        assertTrue(kept < 6 * BLOCK_BYTES, () -> kept + " bytes are kept");
    }

    /// Eight blocks of 4 MiB were all that a small control group had left.
    @Test
    void whereMemoryIsShortFewerReadAtOnce() {
        assertEquals(List.of(1), DiskRate.readers(4 << 20, 30 << 20));
        assertEquals(List.of(1, 2, 4), DiskRate.readers(4 << 20, 64 << 20));
        assertEquals(List.of(1, 2, 4, 8), DiskRate.readers(4 << 20, 128 << 20));
    }

    @Test
    void aFileOfLessThanABlockIsRefused() throws IOException {
        Path file = Files.write(directory.resolve("file"), new byte[4095]);
        Exception refused = assertThrows(IOException.class, () -> DiskRate.of(file, 1, 0));
        assertEquals(file + ": is shorter than a block of 4096 bytes", refused.getMessage());
    }
}
