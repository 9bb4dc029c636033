package io.moetier.runtime.offload;

/// What becomes of the experts that a layer needs and a device with memory of its own does not hold. A running engine
/// asks with what it has measured ([MissCosts]), the laboratory with the constants of a machine.
public enum Misses {
    /// They are copied to the device, which computes them: the same bits for every budget.
    COPY,

    /// The processor computes them where they lie, beside the device; which of them are copied for later is up to the
    /// policy.
    CPU,

    /// Some are copied and the others computed by the processor, so that both end as soon as possible.
    AUTO;

    /// Returns how many of `n` missing experts the processor computes; the others are copied. Of two ways that take
    /// equally long, the one with more copies.
    ///
    /// @param copyTime of one expert
    /// @param processorTimes `[n + 1]`, in the same unit, what the processor takes until it has done none, one, two
    ///     and so on of these experts, those first that it does soonest; only `AUTO` asks
    public int onProcessor(int n, double copyTime, double[] processorTimes) {
        return switch (this) {
            case COPY -> 0;
            case CPU -> n;
            case AUTO -> soonest(n, copyTime, processorTimes);
        };
    }

    private static int soonest(int n, double copyTime, double[] processorTimes) {
        int best = 0;
        double least = Double.POSITIVE_INFINITY;
        for (int count = 0; count <= n; count++) {
            double both = Overlap.time(processorTimes[count], (n - count) * copyTime, Overlap.WHOLE);
            if (both < least) {
                least = both;
                best = count;
            }
        }
        return best;
    }
}
