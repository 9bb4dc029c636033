package io.moetier.storage.expert;

import io.moetier.storage.memory.AnonymousMemory;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;

/// How fast blocks come from the disk that a folder is on.
///
/// @param cachedBytesPerSecond how fast they come once the system keeps the file in memory, for two readers
/// @param way how they were read: past the page cache, or through it where that is refused; and by how many readers
public record DiskSpeed(double bytesPerSecond, double cachedBytesPerSecond, String way) {
    private static final int BLOCK_BYTES = 4 << 20;
    private static final int PASSES = 2;

    /// For each number of readers from the disk.
    private static final double SECONDS = 0.25;

    /// As many as load experts.
    private static final int READERS = 2;

    /// Writes a file of `bytes` bytes, rounded up to blocks of 4 MiB, reads blocks of it and removes it.
    ///
    /// @throws IOException if the folder cannot be written, `bytes` is 0 or the thread is interrupted
    public static DiskSpeed measure(Path directory, long bytes) throws IOException {
        if (bytes <= 0) {
            throw new IOException(directory + ": no space for a file to read");
        }
        Files.createDirectories(directory);
        try (ScratchDirectory scratch = ScratchDirectory.create(directory)) {
            Path file = Files.createFile(scratch.path().resolve("blocks"));
            int blocks = (int) Math.ceilDiv(bytes, BLOCK_BYTES);
            write(file, blocks);
            double cached = readCached(file, blocks);
            DiskRate disk = DiskRate.of(file, BLOCK_BYTES, SECONDS);
            return new DiskSpeed(disk.bytesPerSecond(), cached, disk.way() + ", " + disk.readers() + " at a time");
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

    /// Reads a file that was written a moment ago, and is in the page cache therefore.
    private static double readCached(Path file, int blocks) throws IOException {
        double most = 0;
        try (BlockReader reader = ChannelReader.open(List.of(file));
                TaskThreads readers = new TaskThreads(READERS, "disk-speed-")) {
            for (int pass = 0; pass < PASSES; pass++) {
                List<Callable<Long>> tasks = new ArrayList<>();
                for (int first = 0; first < READERS; first++) {
                    int own = first;
                    tasks.add(() -> read(reader, own, READERS, blocks));
                }
                long start = System.nanoTime();
                readers.run(tasks, bytes -> {});
                most = Math.max(most, rate((long) blocks * BLOCK_BYTES, start));
            }
        }
        return most;
    }

    private static double rate(long bytes, long start) {
        return bytes * 1e9 / Math.max(1, System.nanoTime() - start);
    }

    /// Reads every `step`-th block from `first` on, and returns how many bytes these are.
    private static long read(BlockReader reader, int first, int step, int blocks) throws IOException {
        long bytes = 0;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = AnonymousMemory.allocate(BLOCK_BYTES, arena);
            for (int i = first; i < blocks; i += step) {
                reader.read(0, (long) i * BLOCK_BYTES, BLOCK_BYTES, block);
                bytes += BLOCK_BYTES;
            }
        }
        return bytes;
    }
}
