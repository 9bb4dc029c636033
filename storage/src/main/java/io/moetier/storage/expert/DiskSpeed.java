package io.moetier.storage.expert;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.SplittableRandom;

/// How fast blocks come from the disk that a folder is on.
///
/// @param way how they were read: past the page cache, or through it where that is refused
public record DiskSpeed(double bytesPerSecond, String way) {
    private static final int BLOCK_BYTES = 4 << 20;
    private static final int PASSES = 2;

    /// Writes a file of `bytes` bytes, rounded up to blocks of 4 MiB, reads it block by block and removes it.
    ///
    /// @throws IOException if the folder cannot be written, `bytes` is 0 or the thread is interrupted
    public static DiskSpeed measure(Path directory, long bytes) throws IOException {
        if (bytes <= 0) {
            throw new IOException(directory + ": no space for a file to read");
        }
        Files.createDirectories(directory);
        Path file = Files.createTempFile(directory, "disk-speed", ".tmp");
        try {
            int blocks = (int) Math.ceilDiv(bytes, BLOCK_BYTES);
            write(file, blocks);
            try (BlockReader reader = open(file)) {
                return new DiskSpeed(read(reader, blocks), reader.description());
            }
        } finally {
            Files.deleteIfExists(file);
        }
    }

    /// The bytes are random: some file systems compress.
    private static void write(Path file, int blocks) throws IOException {
        byte[] block = new byte[BLOCK_BYTES];
        new SplittableRandom(0).nextBytes(block);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            for (int i = 0; i < blocks; i++) {
                ByteBuffer buffer = ByteBuffer.wrap(block);
                while (buffer.hasRemaining()) {
                    channel.write(buffer);
                }
            }
            channel.force(true);
        }
    }

    private static BlockReader open(Path file) throws IOException {
        try {
            return ChannelReader.openDirect(List.of(file));
        } catch (IOException e) {
            return ChannelReader.openInstead(List.of(file), e);
        }
    }

    private static double read(BlockReader reader, int blocks) throws IOException {
        double most = 0;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = arena.allocate(BLOCK_BYTES, BlockLayout.PAGE_BYTES);
            for (int pass = 0; pass < PASSES; pass++) {
                long start = System.nanoTime();
                for (int i = 0; i < blocks; i++) {
                    requireNoInterrupt();
                    reader.read(0, (long) i * BLOCK_BYTES, BLOCK_BYTES, block);
                }
                most = Math.max(most, (double) blocks * BLOCK_BYTES * 1e9 / Math.max(1, System.nanoTime() - start));
            }
        }
        return most;
    }

    /// Reading goes on when its thread is interrupted, as writing does not.
    private static void requireNoInterrupt() throws InterruptedIOException {
        if (Thread.currentThread().isInterrupted()) {
            throw new InterruptedIOException("the measurement was interrupted");
        }
    }
}
