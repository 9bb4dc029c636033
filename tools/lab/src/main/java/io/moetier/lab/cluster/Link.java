package io.moetier.lab.cluster;

/// The way from a driver to a node and back.
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
}
