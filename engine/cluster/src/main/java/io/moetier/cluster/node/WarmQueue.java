package io.moetier.cluster.node;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.Set;

/// What a node reads next without being asked for it, and when. It knows no clock and no threads: whoever asks tells
/// the time and holds a lock.
///
/// While requests are computed, what is read is read behind them. Where the disk has failed, nothing is read for ten
/// seconds; then come the experts that could not be read, one by one until one fails again.
final class WarmQueue {
    static final long PAUSE_NANOS = 10_000_000_000L;
    static final long POLL_NANOS = 5_000_000L;

    private final Deque<Integer> wanted = new ArrayDeque<>();
    private final Set<Integer> failed = new LinkedHashSet<>();
    private long notBefore; // as the disk has failed
    private long lookAgain; // at what has begun

    WarmQueue(long now) {
        notBefore = now;
        lookAgain = now;
    }

    /// What to do now.
    sealed interface Step {
        /// Read an expert into memory.
        record Warm(int id) implements Step {}

        /// Begin to read an expert into memory, which nobody waits for, or see whether it is there by now; comes again
        /// until it is settled.
        record Begin(int id) implements Step {}

        /// See whether an expert can be read again.
        record Check(int id) implements Step {}

        /// Nothing, for a while at most; `Long.MAX_VALUE` if nothing is to be read.
        record Wait(long nanos) implements Step {}
    }

    /// Replaces what is to be in memory, the most valuable first.
    void want(int[] ids) {
        wanted.clear();
        add(ids);
    }

    /// Adds what is less valuable than the rest.
    void add(int[] ids) {
        Arrays.stream(ids).forEach(wanted::add);
    }

    /// Is told that an expert which was begun is in memory, or will not be.
    void settled(int id, long now) {
        wanted.removeFirstOccurrence(id);
        lookAgain = now;
    }

    /// Is told of experts that the disk did not give.
    void failed(Set<Integer> ids, long now) {
        failed.addAll(ids);
        notBefore = now + PAUSE_NANOS;
    }

    /// @param isBusy whether requests are computed
    Step next(long now, boolean isBusy) {
        if (wanted.isEmpty() && failed.isEmpty()) {
            return new Step.Wait(Long.MAX_VALUE);
        }
        if (notBefore - now > 0) {
            return new Step.Wait(notBefore - now);
        }
        if (!failed.isEmpty()) {
            int id = failed.iterator().next();
            failed.remove(id);
            return new Step.Check(id);
        }
        if (isBusy && lookAgain - now > 0) {
            return new Step.Wait(lookAgain - now);
        }
        if (isBusy) {
            lookAgain = now + POLL_NANOS;
            return new Step.Begin(wanted.element());
        }
        return new Step.Warm(wanted.remove());
    }
}
