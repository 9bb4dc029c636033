package io.moetier.cluster.copy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// What is to be fetched next, from whom, and when. It knows no clock and no threads: whoever asks tells the time and
/// holds a lock.
///
/// Sources are asked in turn. One that failed, or sent wrong bytes, is left alone for a second, and for twice as long
/// each time it fails again, up to a minute; one that is busy sending to others, for a tenth of a second each time.
/// What a source has is asked for anew every ten seconds while blocks are lacking. While requests are computed,
/// [Politeness] says whether something may begin.
final class FetchQueue {
    static final long FIRST_PAUSE_NANOS = 1_000_000_000L;
    static final long LONGEST_PAUSE_NANOS = 64 * FIRST_PAUSE_NANOS;
    static final long BUSY_PAUSE_NANOS = FIRST_PAUSE_NANOS / 10;
    static final long REFRESH_NANOS = 10 * FIRST_PAUSE_NANOS;
    static final long DISK_PAUSE_NANOS = 60 * FIRST_PAUSE_NANOS;

    private final List<Integer> lacking = new ArrayList<>();
    private final Set<Integer> underWay = new HashSet<>();
    private List<Asked> sources = List.of();
    private int turn;
    private long notBefore;
    private final Politeness politeness;

    FetchQueue(long now) {
        politeness = new Politeness(now);
        notBefore = now;
    }

    /// A source, and how it has done.
    static final class Asked {
        private final BlockSource source;
        private int failures;
        private long notBefore;
        private long refreshAt;

        private Asked(BlockSource source, long now) {
            this.source = source;
            notBefore = now;
            refreshAt = now;
        }

        BlockSource source() {
            return source;
        }
    }

    /// What to do now.
    sealed interface Step {
        /// Fetch a block.
        record Fetch(int id, Asked from) implements Step {}

        /// Learn what a source has.
        record Refresh(Asked source) implements Step {}

        /// Nothing, for a while at most; `Long.MAX_VALUE` if nothing is lacking.
        record Wait(long nanos) implements Step {}
    }

    /// Replaces what is to be fetched, the most valuable first; what is under way goes on.
    void want(Iterable<Integer> ids, long now) {
        lacking.clear();
        ids.forEach(lacking::add);
        notBefore = Math.min(notBefore, now); // the disk may have room by now
    }

    void sources(List<? extends BlockSource> all, long now) {
        List<Asked> next = new ArrayList<>();
        for (BlockSource source : all) {
            next.add(sources.stream()
                    .filter(asked -> asked.source.equals(source))
                    .findFirst()
                    .orElseGet(() -> new Asked(source, now)));
        }
        sources = next;
    }

    /// @param isBusy whether requests are computed
    Step next(long now, boolean isBusy) {
        if (lacking.stream().allMatch(underWay::contains)) {
            return new Step.Wait(Long.MAX_VALUE);
        }
        long wait = notBefore - now;
        if (wait > 0) {
            return new Step.Wait(wait);
        }
        if (!politeness.mayBegin(now, isBusy)) {
            return new Step.Wait(Politeness.POLL_NANOS);
        }
        for (Asked asked : sources) {
            if (asked.notBefore - now <= 0 && asked.refreshAt - now <= 0) {
                asked.refreshAt = now + REFRESH_NANOS;
                return new Step.Refresh(asked);
            }
        }
        for (int id : lacking) {
            if (!underWay.contains(id)) {
                for (int i = 0; i < sources.size(); i++) {
                    int index = (turn + i) % sources.size();
                    Asked asked = sources.get(index);
                    if (asked.notBefore - now <= 0 && asked.source.has(id)) {
                        turn = index + 1;
                        underWay.add(id);
                        politeness.begins(now);
                        return new Step.Fetch(id, asked);
                    }
                }
            }
        }
        long soonest = REFRESH_NANOS;
        for (Asked asked : sources) {
            soonest = Math.min(soonest, Math.max(asked.notBefore, asked.refreshAt) - now);
            if (asked.notBefore - now > 0) {
                soonest = Math.min(soonest, asked.notBefore - now);
            }
        }
        return new Step.Wait(Math.max(1, soonest));
    }

    void fetched(Step.Fetch fetch, long now) {
        ended(fetch, now);
        lacking.remove(Integer.valueOf(fetch.id()));
        fetch.from().failures = 0;
    }

    /// A source did not answer, or sent something wrong.
    void failed(Asked source, long now) {
        long pause = FIRST_PAUSE_NANOS << Math.min(source.failures, 6);
        source.failures++;
        source.notBefore = now + Math.min(LONGEST_PAUSE_NANOS, pause);
    }

    private void ended(Step.Fetch fetch, long now) {
        underWay.remove(fetch.id());
        politeness.ends(now);
    }

    void failed(Step.Fetch fetch, long now) {
        ended(fetch, now);
        failed(fetch.from(), now);
    }

    /// A source has no time to say what it has.
    void busy(Asked source, long now) {
        source.notBefore = now + BUSY_PAUSE_NANOS;
        source.refreshAt = source.notBefore;
    }

    /// A source has no time to send a block.
    void busy(Step.Fetch fetch, long now) {
        ended(fetch, now);
        fetch.from().notBefore = now + BUSY_PAUSE_NANOS;
    }

    /// A block came, and the disk did not take it.
    void diskFailed(Step.Fetch fetch, long now) {
        ended(fetch, now);
        notBefore = now + DISK_PAUSE_NANOS;
    }
}
