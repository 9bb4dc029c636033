package io.moetier.engine.offload;

import java.util.Locale;

/// What a layer costs on a machine whose memories are read as fast as they can be: an upper bound of speed, and the
/// one formula by which placements, simulations and reports compare.
///
/// `layer = dense/β + max((hits + copied + disk)/β, copied/β_P, disk/β_D) + layerSeconds`, where β is the
/// memory that the computing side reads: β_G of a device, else β_H. Loads overlap with the work on what is there
/// already, so the slower of the two counts. Decoding reads every weight once per step and computes little on it, so
/// bytes are all that counts; a long prompt may be bound by arithmetic, which is not modelled.
public record CostModel(MachineProfile machine) {
    /// The bytes that a layer needs in one step.
    ///
    /// @param denseBytes weights that every token needs: attention, norms, router, shared experts
    /// @param hitBytes experts that lie where they are computed
    /// @param copiedBytes experts that come over the link
    /// @param diskBytes experts that come from disk
    public record Work(double denseBytes, double hitBytes, double copiedBytes, double diskBytes) {}

    /// What may bound a layer.
    public enum Bound {
        /// The memory that the computing side reads.
        MEMORY,
        LINK,
        DISK,
        /// Neither: the work beside reading weights.
        OVERHEAD;

        /// Returns the name for people.
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// Returns the work of a layer whose missing experts come the way they come on this machine.
    public Work work(double denseBytes, double hitBytes, double missingBytes) {
        return machine.deviceBytesPerSecond().isPresent()
                ? new Work(denseBytes, hitBytes, missingBytes, 0)
                : new Work(denseBytes, hitBytes, 0, missingBytes);
    }

    /// Returns the seconds that a layer takes.
    ///
    /// @throws IllegalArgumentException if it needs something that the machine has not
    public double seconds(Work work) {
        double experts = Math.max(
                expertSeconds(work, Bound.MEMORY),
                Math.max(expertSeconds(work, Bound.LINK), expertSeconds(work, Bound.DISK)));
        return work.denseBytes() / memoryRate() + experts + machine.layerSeconds();
    }

    /// Returns what takes the longest in a layer.
    public Bound bound(Work work) {
        Bound longest = Bound.MEMORY;
        double seconds = work.denseBytes() / memoryRate() + expertSeconds(work, Bound.MEMORY);
        for (Bound other : new Bound[] {Bound.LINK, Bound.DISK, Bound.OVERHEAD}) {
            double ofOther = other == Bound.OVERHEAD ? machine.layerSeconds() : expertSeconds(work, other);
            if (ofOther > seconds) {
                longest = other;
                seconds = ofOther;
            }
        }
        return longest;
    }

    private double expertSeconds(Work work, Bound bound) {
        return switch (bound) {
            case MEMORY -> (work.hitBytes() + work.copiedBytes() + work.diskBytes()) / memoryRate();
            case LINK ->
                seconds(work.copiedBytes(), machine.linkBytesPerSecond().orElse(0));
            case DISK -> seconds(work.diskBytes(), machine.diskBytesPerSecond().orElse(0));
            case OVERHEAD -> 0;
        };
    }

    private double memoryRate() {
        return machine.deviceBytesPerSecond()
                .orElseGet(() -> machine.hostBytesPerSecond().orElseThrow());
    }

    private double seconds(double bytes, double rate) {
        if (bytes > 0 && rate == 0) {
            throw new IllegalArgumentException("the profile " + machine.name() + " does not say how fast this moves");
        }
        return bytes == 0 ? 0 : bytes / rate;
    }
}
