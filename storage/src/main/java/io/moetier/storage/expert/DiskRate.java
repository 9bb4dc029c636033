package io.moetier.storage.expert;

import io.moetier.storage.memory.AnonymousMemory;
import io.moetier.storage.memory.AvailableMemory;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;

/// How fast blocks of one size come from anywhere in a file, past the page cache, for as many readers as do it fastest.
///
/// @param readers how many read at once
/// @param way how they were read: past the page cache, or through it where that is refused
public record DiskRate(double bytesPerSecond, int readers, String way) {
    private static final List<Integer> READERS = List.of(1, 2, 4, 8);
    private static final int MEMORY_SHARE = 4; // of what can be had, for the blocks of all readers

    /// Reads blocks at random places for some seconds with each number of readers. One that has begun is finished.
    ///
    /// @throws IOException if the file cannot be read, or is shorter than a block
    public static DiskRate of(Path file, long blockBytes, double seconds) throws IOException {
        long bytes = BlockLayout.roundUp(blockBytes, BlockLayout.PAGE_BYTES);
        if (Files.size(file) < bytes) {
            throw new IOException(file + ": is shorter than a block of " + bytes + " bytes");
        }
        long places = (Files.size(file) - bytes) / BlockLayout.PAGE_BYTES + 1;
        try (BlockReader reader = ChannelReader.openPastCache(List.of(file), "")) {
            DiskRate best = new DiskRate(0, 0, reader.description());
            for (int readers : readers(bytes, AvailableMemory.bytes())) {
                double rate = rate(reader, readers, places, bytes, seconds);
                best = rate > best.bytesPerSecond ? new DiskRate(rate, readers, best.way) : best;
            }
            return best;
        }
    }

    /// Returns the numbers of readers whose blocks there is room for, and one in any case.
    static List<Integer> readers(long blockBytes, long availableBytes) {
        return READERS.stream()
                .filter(readers -> readers == 1 || readers * blockBytes <= availableBytes / MEMORY_SHARE)
                .toList();
    }

    private static double rate(BlockReader reader, int readers, long places, long bytes, double seconds)
            throws IOException {
        long start = System.nanoTime();
        long end = start + (long) (seconds * TimeUnit.SECONDS.toNanos(1));
        List<Callable<Long>> tasks = new ArrayList<>();
        long[] sum = {0};
        try (TaskThreads threads = new TaskThreads(readers, "disk-rate-")) {
            for (int i = 0; i < readers; i++) {
                SplittableRandom random = new SplittableRandom(start + i);
                tasks.add(() -> readUntil(end, reader, random, places, bytes, threads));
            }
            threads.run(tasks, read -> sum[0] += read);
        }
        return sum[0] * 1e9 / Math.max(1, System.nanoTime() - start);
    }

    private static long readUntil(
            long end, BlockReader reader, SplittableRandom random, long places, long bytes, TaskThreads threads)
            throws IOException {
        long read = 0;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = AnonymousMemory.allocate(bytes, arena); // that of C would not all go back
            do {
                threads.requireRunning();
                reader.read(0, random.nextLong(places) * BlockLayout.PAGE_BYTES, bytes, block);
                read += bytes;
            } while (System.nanoTime() < end);
        }
        return read;
    }
}
