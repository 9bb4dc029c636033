package io.moetier.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/// Memory that is read as fast as the JVM can, which is by comparing one half to the other: the JVM has vector code
/// for that, while the compiler makes of a sum over an array a loop that reads at half the speed.
@State(Scope.Benchmark)
public class ReadableMemory {
    private static final int ALIGNMENT = 64;

    @Param({"1", "2"})
    int threads = 1;

    @Param(KernelBenchmark.MEGABYTES)
    int megabytes = 1;

    private MemorySegment first;
    private MemorySegment second;
    private ExecutorService pool;
    private List<Callable<Long>> shares;

    /// Fills the memory.
    @Setup(Level.Trial)
    public void fill() {
        Arena arena = Arena.ofAuto();
        long half = (long) megabytes << 19;
        first = arena.allocate(half, ALIGNMENT).fill((byte) 1);
        second = arena.allocate(half, ALIGNMENT).fill((byte) 1);
        pool = Executors.newFixedThreadPool(threads);
        shares = IntStream.range(0, threads)
                .<Callable<Long>>mapToObj(i -> () -> mismatch(half * i / threads, half * (i + 1) / threads))
                .toList();
    }

    private long mismatch(long from, long to) {
        return MemorySegment.mismatch(first, from, to, second, from, to);
    }

    long bytes() {
        return first.byteSize() + second.byteSize();
    }

    /// Reads everything and returns how many threads found their shares equal, which is all.
    int read() {
        int equal = 0;
        try {
            for (Future<Long> share : pool.invokeAll(shares)) {
                equal += share.get() < 0 ? 1 : 0;
            }
        } catch (InterruptedException | ExecutionException e) {
            throw new IllegalStateException(e);
        }
        return equal;
    }

    /// Ends the threads.
    @TearDown(Level.Trial)
    public void close() {
        pool.close();
    }
}
