package io.moetier.engine.device.cpu;

/// Measures what a layer of a decoded token takes beside its work: the threads join at the end of each section, and
/// the next begins when the last of them has.
public final class LayerOverhead {
    /// Sections of a layer whose experts are all in memory (docs/ARCHITECTURE.md, "Threads").
    private static final int SECTIONS = 6;

    private static final int PASSES = 5;
    private static final int PASS_SECTIONS = 2000;
    private static final long WORK_NANOS = 5_000; // long enough that every thread gets a part

    private LayerOverhead() {}

    /// Returns the seconds that a layer's sections take longer on so many threads than the work in them, at best.
    public static double seconds(int threads) {
        long least = Long.MAX_VALUE;
        try (WorkerPool pool = new WorkerPool(threads)) {
            for (int pass = 0; pass < PASSES; pass++) {
                long start = System.nanoTime();
                for (int section = 0; section < PASS_SECTIONS; section++) {
                    pool.run((part, worker) -> work(), threads);
                }
                least = Math.min(least, System.nanoTime() - start);
            }
        }
        long overhead = Math.max(0, least - PASS_SECTIONS * WORK_NANOS);
        return 1e-9 * SECTIONS * overhead / PASS_SECTIONS;
    }

    private static void work() {
        long start = System.nanoTime();
        while (System.nanoTime() - start < WORK_NANOS) {
            Thread.onSpinWait();
        }
    }
}
