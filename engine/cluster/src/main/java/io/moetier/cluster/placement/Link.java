package io.moetier.cluster.placement;

/// The way from a driver to a node and back, as it was measured or is imagined.
///
/// @param roundTripSeconds what a request and its reply take however short they are, programs at both ends included
/// @param bytesPerSecond in each direction; may be infinite
public record Link(double roundTripSeconds, double bytesPerSecond) {
    /// @throws IllegalArgumentException if it takes less than no time, or nothing comes through
    public Link {
        if (!(roundTripSeconds >= 0 && roundTripSeconds < Double.POSITIVE_INFINITY) || !(bytesPerSecond > 0)) {
            throw new IllegalArgumentException(
                    "a link with a round trip of " + roundTripSeconds + " s and " + bytesPerSecond + " bytes/s");
        }
    }

    /// Returns what a request takes that sends one row and gets one back, the least that is ever asked.
    ///
    /// @param rowBytes of a row
    public double rowSeconds(long rowBytes) {
        return roundTripSeconds + 2.0 * rowBytes / bytesPerSecond;
    }
}
