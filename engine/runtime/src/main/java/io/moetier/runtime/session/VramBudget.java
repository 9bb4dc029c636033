package io.moetier.runtime.session;

import io.moetier.runtime.option.InvalidOptionException;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.OptionalLong;

/// What of a device's memory is left for experts.
///
/// @param weights bytes of the weights outside the experts
/// @param keyValues keys and values of all positions of a session
/// @param workspace buffers of a session, the rotations of all its positions, what reading an encoder's longest input
///     takes, and what the device keeps between operations
/// @param leastExperts the top-k experts of one layer
record VramBudget(long weights, long keyValues, long workspace, long leastExperts) {
    private static final String FIELD = "vramBytes";
    private static final long LEAST_RESERVE_BYTES = 256L << 20;
    private static final int RESERVE_SHARE = 16; // a part of what can be had stays for the desktop and the driver

    /// Returns the smallest budget that the model can be run with.
    long minimumBytes() {
        return weights + keyValues + workspace + leastExperts;
    }

    /// Returns what experts may take.
    ///
    /// @param budget of everything together; empty for what can be had less a reserve
    /// @param available what can be had now
    /// @param device the number of the device if there are several
    /// @throws InvalidOptionException if it is less than the least, or more than can be had
    long expertBytes(OptionalLong budget, long available, OptionalInt device) {
        String where = device.isPresent() ? " on device " + device.getAsInt() : "";
        long reserve = Math.min(Math.max(LEAST_RESERVE_BYTES, available / RESERVE_SHARE), available / 2);
        long bytes = budget.orElse(available - reserve);
        if (bytes < minimumBytes()) {
            throw tooFew(bytes, where + (budget.isPresent() ? "" : ", what is free on the device less a reserve,"));
        }
        if (bytes > available) {
            throw new InvalidOptionException(
                    FIELD,
                    String.format(
                            Locale.ROOT,
                            "%,d bytes%s are more than the %,d that are free on the device",
                            bytes,
                            where,
                            available));
        }
        return bytes - weights - keyValues - workspace;
    }

    private InvalidOptionException tooFew(long bytes, String which) {
        return InvalidOptionException.tooLittle(
                FIELD,
                String.format(
                        Locale.ROOT,
                        "%,d %s%s %s: this model needs at least %,d: weights %,d, keys and values %,d,"
                                + " workspace %,d, the experts of one token and layer %,d",
                        bytes,
                        bytes == 1 ? "byte" : "bytes",
                        which,
                        bytes == 1 ? "is too little" : "are too few",
                        minimumBytes(),
                        weights,
                        keyValues,
                        workspace,
                        leastExperts),
                "contextLength");
    }
}
