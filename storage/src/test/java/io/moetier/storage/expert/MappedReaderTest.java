package io.moetier.storage.expert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MappedReaderTest {
    private static final int BLOCK = 1 << 20;
    private static final int BLOCKS = 8;
    private static final Path MAPPINGS = Path.of("/proc/self/smaps"); // Linux

    @TempDir
    Path directory;

    @Test
    void whatWasCopiedIsNotHeldTwice() throws IOException {
        Path file = directory.resolve("blocks");
        byte[] content = new byte[BLOCK * BLOCKS];
        new Random(5).nextBytes(content);
        Files.write(file, content);
        try (MappedReader reader = MappedReader.open(List.of(file));
                Arena arena = Arena.ofConfined()) {
            MemorySegment copy = arena.allocate(content.length);
            for (int block = 0; block < BLOCKS; block++) {
                long at = (long) block * BLOCK;
                reader.read(0, at, BLOCK, copy.asSlice(at, BLOCK));
                reader.read(0, at, BLOCK, copy.asSlice(at, BLOCK)); // again from the page cache
            }
            assertArrayEquals(content, copy.toArray(ValueLayout.JAVA_BYTE));
            long left = residentKilobytes(file);
            assertTrue(left < BLOCK / 1024, () -> left + " kB of the file are still mapped");
        }
    }

    private static long residentKilobytes(Path file) throws IOException {
        if (!Files.exists(MAPPINGS)) {
            return 0;
        }
        List<String> lines = Files.readAllLines(MAPPINGS);
        int at = 0;
        while (!lines.get(at).endsWith(file.toString())) {
            at++;
        }
        while (!lines.get(at).startsWith("Rss:")) {
            at++;
        }
        return Long.parseLong(lines.get(at).replaceAll("\\D", ""));
    }
}
