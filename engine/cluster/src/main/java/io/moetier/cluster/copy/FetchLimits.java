package io.moetier.cluster.copy;

/// How much of the link and of memory the fetching of blocks may take.
///
/// @param bytesPerSecond that come at most, in the mean
/// @param bytesInFlight that may be on their way at once; one block may always be
public record FetchLimits(double bytesPerSecond, long bytesInFlight) {
    /// As fast as they come, some blocks at once.
    public static final FetchLimits DEFAULT = new FetchLimits(Double.POSITIVE_INFINITY, 32L << 20);

    private static final int MOST_AT_ONCE = 4;

    /// @throws IllegalArgumentException if a limit is not positive
    public FetchLimits {
        if (!(bytesPerSecond > 0) || bytesInFlight < 1) {
            throw new IllegalArgumentException(
                    "no limits: " + bytesPerSecond + " bytes/s, " + bytesInFlight + " bytes at once");
        }
    }

    /// Returns how many blocks of a size may be on their way at once.
    int blocksAtOnce(long blockBytes) {
        return Math.clamp(bytesInFlight / Math.max(1, blockBytes), 1, MOST_AT_ONCE);
    }
}
