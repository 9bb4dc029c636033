package io.moetier.cluster.node;

import io.moetier.cluster.copy.Politeness;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.Set;

/// What a node reads next without being asked for it, and when. It knows no clock and no threads: whoever asks tells
/// the time and holds a lock.
///
/// While requests are computed, [Politeness] says whether something may begin. Where the disk has failed, nothing is
/// read for ten seconds; then come the experts that could not be read, one by one until one fails again.
final class WarmQueue {
    static final long PAUSE_NANOS = 10_000_000_000L;

    private final Politeness politeness = new Politeness();
    private final Deque<Integer> wanted = new ArrayDeque<>();
    private final Set<Integer> failed = new LinkedHashSet<>();
    private long notBefore;

    WarmQueue(long now) {
        notBefore = now;
    }

    /// What to do now.
    sealed interface Step {
        /// Read an expert into memory.
        record Warm(int id) implements Step {}

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
        if (!politeness.mayBegin(now, isBusy)) {
            return new Step.Wait(Politeness.POLL_NANOS);
        }
        politeness.begins();
        if (failed.isEmpty()) {
            return new Step.Warm(wanted.remove());
        }
        int id = failed.iterator().next();
        failed.remove(id);
        return new Step.Check(id);
    }
}
