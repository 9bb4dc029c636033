package io.moetier.runtime.offload;

/// What two things take that are done beside each other. The one sum by which a running engine divides a layer's
/// missing experts between copies and the processor, and by which the laboratory predicts a layer and tells its bound.
public final class Overlap {
    /// All of the shorter one is done while the longer one is.
    public static final double WHOLE = 1;

    private Overlap() {}

    /// Returns the time of both, in the unit of each.
    ///
    /// @param overlap the share of the shorter one that is done while the longer one is: [#WHOLE], or 0 where both
    ///     want the same and come one after the other
    public static double time(double one, double other, double overlap) {
        return Math.max(one, other) + (1 - overlap) * Math.min(one, other);
    }
}
