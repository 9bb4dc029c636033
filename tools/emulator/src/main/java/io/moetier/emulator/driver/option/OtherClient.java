package io.moetier.emulator.driver.option;

/// Another program that wants memory of a device for a while. It takes what is free at once and whatever is freed
/// later,
/// until it has all that it wants, and returns it at the end.
///
/// @param device ordinal of the device
/// @param bytes that it wants
/// @param fromNanos when it comes, in virtual time
/// @param untilNanos when it goes
public record OtherClient(int device, long bytes, double fromNanos, double untilNanos) {
    public OtherClient {
        if (bytes < 0 || !(fromNanos <= untilNanos)) {
            throw new IllegalArgumentException(bytes + " bytes from " + fromNanos + " to " + untilNanos);
        }
    }

    /// Returns how many bytes it wants of a device at a time.
    public long wants(int ofDevice, double nanos) {
        return ofDevice == device && nanos >= fromNanos && nanos < untilNanos ? bytes : 0;
    }
}
