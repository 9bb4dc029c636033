package io.moetier.kernels.cpu.bandwidth;

import io.moetier.kernels.cpu.pool.WorkerPool;
import io.moetier.kernels.cpu.vector.VectorApi;
import io.moetier.storage.memory.AnonymousMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;

/// Measures how fast this machine reads memory that no cache holds: what bounds decoding, which reads each weight it
/// needs once for each token.
///
/// Several ways to read are tried and the fastest pass of all counts. All of them are plain reads, which leave fetching
/// ahead to the processor; a kernel that fetches by itself, or whose weights lie in faster memory, can read faster. The
/// memory is anonymous as that of experts is. Confined to one thread, which reads too.
public final class MemoryBandwidth implements AutoCloseable {
    private static final long LEAST_BYTES = 1L << 30;

    /// As many times the caches have to be read for them not to matter, by the rules of STREAM (McCalpin).
    private static final int TIMES_CACHES = 4;

    private static final int PART_BYTES = 4 << 20;
    private static final int LEAST_PART_BYTES = 64 << 10;
    private static final int PARTS_PER_THREAD = 8;
    private static final int PASSES = 6;
    private static final long ROUGH_BYTES = 128L << 20;
    private static final int ROUGH_PASSES = 8;

    /// What has to be read before the code that reads is compiled, however small the memory.
    private static final long LEAST_READ = 4L << 30;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    private final List<MemoryReading> ways;
    private final LongAdder results = new LongAdder();
    private MemoryReading fastestWay;

    private MemoryBandwidth(long bytes) {
        memory = AnonymousMemory.allocate(bytes, arena).fill((byte) 1);
        ways = ways();
        fastestWay = ways.getFirst();
    }

    /// Returns how many bytes are so far beyond this machine's caches that these do not matter.
    public static long bytesBeyondCaches() {
        return Math.max(LEAST_BYTES, TIMES_CACHES * LastLevelCaches.bytes());
    }

    /// Returns about how many bytes a second that many threads read together, within a fraction of a second and
    /// in little memory: good enough to compare machines by.
    public static double roughly(int threads) {
        try (MemoryBandwidth few = open(ROUGH_BYTES)) {
            double most = 0;
            for (int pass = 0; pass < ROUGH_PASSES; pass++) {
                most = Math.max(most, few.passBytesPerSecond(threads));
            }
            return most;
        }
    }

    /// Allocates what will be read, rounded down to whole parts of 4 MiB.
    public static MemoryBandwidth open(long bytes) {
        return new MemoryBandwidth(Math.max(PART_BYTES, bytes / PART_BYTES * PART_BYTES));
    }

    /// Returns how many bytes a second that many threads read together.
    public double bytesPerSecond(int threads) {
        double most = 0;
        long passes = Math.max(PASSES, LEAST_READ / memory.byteSize());
        try (WorkerPool pool = new WorkerPool(threads)) {
            for (MemoryReading way : ways) {
                for (long pass = 0; pass < passes; pass++) {
                    double read = pass(pool, way, partBytes(threads));
                    if (read > most) {
                        most = read;
                        fastestWay = way;
                    }
                }
            }
        }
        return most;
    }

    /// Returns how many bytes a second many threads read together in one pass, in the way that was the fastest when
    /// all were tried: what this moment allows.
    public double passBytesPerSecond(int threads) {
        try (WorkerPool pool = new WorkerPool(threads)) {
            return pass(pool, fastestWay, partBytes(threads));
        }
    }

    @Override
    public void close() {
        arena.close();
    }

    private double pass(WorkerPool pool, MemoryReading way, long partBytes) {
        int parts = (int) (memory.byteSize() / partBytes);
        long start = System.nanoTime();
        pool.run((part, worker) -> results.add(way.read(memory, part * partBytes, (part + 1L) * partBytes)), parts);
        return memory.byteSize() * 1e9 / Math.max(1, System.nanoTime() - start);
    }

    /// Returns a power of two that leaves several parts for each thread, if there is so much.
    private long partBytes(int threads) {
        long each = Long.highestOneBit(Math.max(1, memory.byteSize() / ((long) PARTS_PER_THREAD * threads)));
        return Math.clamp(each, LEAST_PART_BYTES, PART_BYTES);
    }

    private static List<MemoryReading> ways() {
        List<MemoryReading> ways = new ArrayList<>();
        ways.add(MemoryReading::compare);
        if (VectorApi.isFast() && VectorSum.isCompiled()) {
            ways.add(new VectorSum());
        }
        return ways;
    }
}
