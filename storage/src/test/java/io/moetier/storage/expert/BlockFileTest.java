package io.moetier.storage.expert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BlockFileTest {
    private static final int PAGE = BlockLayout.PAGE_BYTES;
    private static final int FILE_BYTES = 4 << 20;

    @TempDir
    private Path scratch;

    private Path file = Path.of("");
    /// What the file should hold.
    private final byte[] expected = new byte[FILE_BYTES];

    private final Random random = new Random(41);

    @BeforeEach
    void makeTheFile() throws IOException {
        file = Files.write(scratch.resolve("blocks"), expected);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, PAGE - 1, PAGE, PAGE + 1, 5 * PAGE + 7, (1 << 20) + 11})
    void writesBlocksOfAnySize(int bytes) throws IOException {
        try (BlockFile blocks = open();
                Arena arena = Arena.ofConfined()) {
            write(blocks, pages(arena, bytes), PAGE);
            write(blocks, MemorySegment.ofArray(new byte[bytes]), 2 << 20);
        }
        assertWritten();
    }

    @Test
    void writesMemoryThatStartsAnywhere() throws IOException {
        try (BlockFile blocks = open();
                Arena arena = Arena.ofConfined()) {
            write(blocks, pages(arena, 4 * PAGE), 0);
            write(blocks, pages(arena, 4 * PAGE).asSlice(8), 8 * PAGE); // which no direct write takes
            write(blocks, pages(arena, 4 * PAGE), 16 * PAGE);
        }
        assertWritten();
    }

    /// The entries of a map are written through its mapping, into the pages between the blocks.
    @Test
    void leavesThePagesBetweenBlocksToTheMapping() throws IOException {
        try (BlockFile blocks = open();
                Arena arena = Arena.ofConfined();
                FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            MemorySegment mapping = channel.map(FileChannel.MapMode.READ_WRITE, 0, FILE_BYTES, arena);
            mapping.asSlice(PAGE, 3 * PAGE).fill((byte) 1); // what a block replaces may be in the page cache
            mapping.asSlice(0, PAGE).fill((byte) 2);
            mapping.asSlice(4 * PAGE, PAGE).fill((byte) 3);
            Arrays.fill(expected, 0, PAGE, (byte) 2);
            Arrays.fill(expected, 4 * PAGE, 5 * PAGE, (byte) 3);
            write(blocks, pages(arena, 3 * PAGE), PAGE);
            assertArrayEquals(
                    Arrays.copyOf(expected, 5 * PAGE),
                    mapping.asSlice(0, 5 * PAGE).toArray(ValueLayout.JAVA_BYTE));
        }
        assertWritten();
    }

    @Test
    void namesTheFileThatCannotBeWritten() throws IOException {
        BlockFile blocks = open();
        blocks.close();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = pages(arena, 2 * PAGE);
            String message = String.valueOf(assertThrows(IOException.class, () -> blocks.write(block, 0))
                    .getMessage());
            assertTrue(message.startsWith(file + ": cannot be written"), message);
        }
    }

    private BlockFile open() throws IOException {
        return BlockFile.open(file, PosixCalls.ofPlatform());
    }

    private static MemorySegment pages(Arena arena, int bytes) {
        return arena.allocate(bytes, PAGE);
    }

    private void write(BlockFile blocks, MemorySegment block, int offset) throws IOException {
        byte[] bytes = new byte[(int) block.byteSize()];
        random.nextBytes(bytes);
        MemorySegment.copy(MemorySegment.ofArray(bytes), 0, block, 0, bytes.length);
        System.arraycopy(bytes, 0, expected, offset, bytes.length);
        blocks.write(block, offset);
    }

    private void assertWritten() throws IOException {
        assertArrayEquals(expected, Files.readAllBytes(file));
    }
}
