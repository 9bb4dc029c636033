package io.moetier.runtime.session;

import io.moetier.kernels.device.Device;
import io.moetier.runtime.offload.ExpertTiers;

/// Has slots on a device given back when somebody else takes so much of its memory that little is free, and taken again
/// when there is room for them; what this process fails to allocate there it is given at once, see
/// [io.moetier.kernels.device.MemoryRelief].
///
/// Looks four times a second, between steps. What is free at its first look is what is usual: of it, 64 MiB at most and
/// a quarter are to stay free, and when less is, twice as much is restored. What is taken again leaves three
/// times as much, and room for as much again. Confined to the thread that computes.
final class VramGuard {
    private static final long PERIOD_NANOS = 250_000_000;
    private static final long MOST_LEAST_BYTES = 64 << 20;
    private static final int SHARE = 4;

    private final ExpertTiers tiers;
    private final int number;
    private final Device device;
    private final ElasticRule rule = new ElasticRule();
    private final long allBytes;
    private long least = -1; // that is to be free
    private long lookedNanos;

    /// @param number of the device among those of the tiers
    VramGuard(ExpertTiers tiers, int number, Device device, long now) {
        this.tiers = tiers;
        this.number = number;
        this.device = device;
        allBytes = tiers.residentSummaries().get(number).slots().bytes();
        lookedNanos = now;
    }

    /// Looks, if it is time to.
    void look(long now) {
        if (now - lookedNanos < PERIOD_NANOS) {
            return;
        }
        lookedNanos = now;
        long free = device.availableBytes();
        if (least < 0) {
            least = Math.min(MOST_LEAST_BYTES, free / SHARE);
        }
        long next = tiers.nextBytesOn(number);
        long change = rule.change(
                free < least ? 2 * least - free : 0,
                free - 3 * least - next,
                tiers.awayBytesOn(number),
                next,
                allBytes,
                now);
        if (change > 0) {
            tiers.giveBackOn(number, change);
        } else if (change < 0) {
            tiers.takeAgainOn(number, -change);
        }
    }
}
