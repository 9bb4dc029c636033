package io.moetier.kernels.device;

/// Which of the keys before it a query sees.
///
/// @param slidingWindow a query at position `p` sees keys `p - slidingWindow < j <= p`; 0 means every `j <= p`
/// @param chunk positions are cut into chunks of this length, and a query sees none of an earlier chunk; 0 for one
///     chunk
public record VisibleKeys(int slidingWindow, int chunk) {
    /// @throws IllegalArgumentException if one is negative, or both are given
    public VisibleKeys {
        if (slidingWindow < 0 || chunk < 0 || (slidingWindow > 0 && chunk > 0)) {
            throw new IllegalArgumentException("slidingWindow " + slidingWindow + ", chunk " + chunk);
        }
    }

    /// Returns the first position that a query at `position` sees.
    public int first(int position) {
        if (chunk > 0) {
            return position / chunk * chunk;
        }
        return slidingWindow == 0 ? 0 : Math.max(0, position - slidingWindow + 1);
    }
}
