package io.moetier.runtime.session;

/// Decides how much of what experts have is given back, and when it is taken again.
///
/// What is missing is given back at once. What is away comes back when there has been room for it, without
/// pressure, for a while: one slot, then with each look twice as many as before, up to a sixteenth of all. If
/// what came back has to go again within that while, the next one is twice as long, up to a minute; after two
/// minutes without shortage it is as short as at first. So what comes and goes with others moves slots rarely.
///
/// Not thread-safe; times are those of its caller.
final class ElasticRule {
    private static final long CALM_NANOS = 2_000_000_000L;
    private static final long MOST_CALM_NANOS = 64_000_000_000L;
    private static final int STEPS = 16;

    private long calmNanos = CALM_NANOS; // that have to pass
    private boolean calm;
    private long since; // when it became calm
    private long shortNanos; // when memory was short for the last time
    private boolean taken; // since memory was short
    private long takenNanos; // when that was for the last time
    private long step;

    /// Returns how many bytes to give back, or if it is negative, to take again.
    ///
    /// @param shortage bytes that are missing
    /// @param room bytes that there is room for, if none are missing
    /// @param away bytes of slots that are away
    /// @param slot the fewest bytes that can be taken
    /// @param all bytes of all slots
    long change(long shortage, long room, long away, long slot, long all, long now) {
        if (shortage > 0) {
            if (taken && now - takenNanos < calmNanos) {
                calmNanos = Math.min(2 * calmNanos, MOST_CALM_NANOS);
            }
            taken = false;
            calm = false;
            shortNanos = now;
            return shortage;
        }
        if (now - shortNanos >= 2 * MOST_CALM_NANOS) {
            calmNanos = CALM_NANOS;
        }
        if (away == 0 || room < slot) {
            calm = false;
            return 0;
        }
        if (!calm) {
            calm = true;
            since = now;
            step = slot;
        }
        if (now - since < calmNanos) {
            return 0;
        }
        long bytes = Math.min(Math.min(room, away), step);
        step = Math.clamp(2 * step, slot, Math.max(slot, all / STEPS));
        taken = true;
        takenNanos = now;
        return -bytes;
    }
}
