package io.moetier.kernels.cpu.pool;

/// How work is cut into parts.
public final class Partition {
    /// Bytes or floats below which waking another thread costs more than it saves.
    private static final int SMALL = 1 << 14;

    /// Bytes from which four parts a thread are better than two: a thread that is interrupted then holds up less.
    private static final long LARGE = 4 << 20;

    /// Most bytes of a part: what the last thread to finish may be late by. Less would show in the cost of starting a
    /// stream of reads.
    private static final long LARGEST_PART = 1 << 20;

    /// Parts of a thread where they taper off: the shortest is 1/34 of the work of two threads, the longest 4/34.
    private static final int TAPERED_PARTS = 5;

    /// Those of them that grow.
    private static final int GROWING_PARTS = 2;

    private Partition() {}

    /// Returns where part `part` of `parts` starts among `length` items.
    public static int bound(int part, int parts, int length) {
        return (int) ((long) length * part / parts);
    }

    /// Returns where part `part` of `parts` starts among `length` items if the first parts grow evenly and all
    /// others are as long as the longest of these. A pool takes the last part first, so the one that the others
    /// wait for is short. There are few, for each has memory begin to read somewhere else.
    public static int taperedBound(int part, int parts, int length) {
        // The first is of one item at least: few items are shared evenly.
        int growing = Math.clamp(length / parts, 1, Math.max(1, parts * GROWING_PARTS / TAPERED_PARTS));
        return (int) (length * units(part, growing) / units(parts, growing));
    }

    /// Returns the length of the first `parts` parts, of which the first is 1 long.
    private static long units(long parts, int growing) {
        return parts <= growing ? parts * (parts + 1) / 2 : growing * (growing + 1L) / 2 + growing * (parts - growing);
    }

    /// Returns how many parts of growing size `items` items are cut into, which take `work` bytes of memory traffic in
    /// all.
    public static int taperedParts(int threads, int items, long work) {
        if (work < SMALL) {
            return 1;
        }
        // One thread has nobody to wait for, but a call of native code must be short.
        long parts = threads == 1 ? work / LARGEST_PART : (long) TAPERED_PARTS * threads;
        return Math.clamp(parts, 1, items);
    }

    /// Returns how many parts `items` items are cut into, which take `work` bytes of memory traffic in all.
    public static int parts(int threads, int items, long work) {
        if (threads == 1 || work < SMALL) {
            return 1;
        }
        long parts = Math.max(threads * (work < LARGE ? 2L : 4L), work / LARGEST_PART);
        return (int) Math.min(items, parts);
    }
}
