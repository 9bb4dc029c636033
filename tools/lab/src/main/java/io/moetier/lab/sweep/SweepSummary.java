package io.moetier.lab.sweep;

import java.util.List;

/// How a sweep went.
///
/// @param shares of this machine, then of members in the order of their coming
/// @param notes sentences on members that took no part, or not to the end
/// @param nanos that it took
public record SweepSummary(List<Share> shares, List<String> notes, long nanos) {
    public SweepSummary {
        shares = List.copyOf(shares);
        notes = List.copyOf(notes);
    }

    /// What one machine did.
    ///
    /// @param isHere whether it is this one
    /// @param tasks that were taken from it
    /// @param nanos that it took for each of them, all together
    public record Share(String name, boolean isHere, int tasks, long nanos) {}

    /// Returns how many tasks there were.
    public int tasks() {
        return shares.stream().mapToInt(Share::tasks).sum();
    }

    /// Returns what the tasks took, one after another.
    public long taskNanos() {
        return shares.stream().mapToLong(Share::nanos).sum();
    }

    /// Returns how many times as fast this was as one after another.
    public double speedUp() {
        return nanos == 0 ? 1 : (double) taskNanos() / nanos;
    }
}
