package io.moetier.cluster.copy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.testdata.Seeds;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class FetchQueueTest {
    private static final long SECOND = 1_000_000_000L;
    private static final FetchQueue.Step NOTHING = new FetchQueue.Step.Wait(Long.MAX_VALUE);

    private record Having(String name, Set<Integer> ids) implements BlockSource {
        @Override
        public boolean has(int id) {
            return ids.contains(id);
        }

        @Override
        public void read(int id, MemorySegment destination) {
            throw new AssertionError("nothing is read here");
        }
    }

    private final Having one = new Having("one", new TreeSet<>(Set.of(3, 5)));
    private final Having other = new Having("other", new TreeSet<>(Set.of(3, 5, 9)));

    private FetchQueue queue() {
        FetchQueue queue = new FetchQueue(0);
        queue.sources(List.of(one, other), 0);
        queue.want(List.of(5, 3, 9), 0);
        assertInstanceOf(FetchQueue.Step.Refresh.class, queue.next(0, false));
        assertInstanceOf(FetchQueue.Step.Refresh.class, queue.next(0, false));
        return queue;
    }

    private static FetchQueue.Step.Fetch fetch(FetchQueue queue, long now, int id, String from) {
        FetchQueue.Step.Fetch fetch = assertInstanceOf(FetchQueue.Step.Fetch.class, queue.next(now, false));
        assertEquals(id, fetch.id());
        assertEquals(from, fetch.from().source().name());
        return fetch;
    }

    private static FetchQueue.Step.Fetch fetch(FetchQueue queue, long now, boolean isBusy) {
        return assertInstanceOf(FetchQueue.Step.Fetch.class, queue.next(now, isBusy));
    }

    @Test
    void theMostValuableComesFirstAndSourcesAreAskedInTurn() {
        FetchQueue queue = queue();
        fetch(queue, 0, 5, "one");
        queue.fetched(fetch(queue, 0, 3, "other"), 0);
        FetchQueue.Step.Fetch last = fetch(queue, 0, 9, "other");
        assertEquals(NOTHING, queue.next(0, false));
        queue.fetched(last, 0);
        queue.want(List.of(3, 5), 0);
        fetch(queue, 0, 3, "one");
    }

    @Test
    void aSourceThatFailsIsLeftForTwiceAsLongEachTime() {
        FetchQueue queue = queue();
        queue.want(List.of(9), 0);
        long now = 0;
        for (int failure = 0; failure < 9; failure++) {
            FetchQueue.Step step = queue.next(now, false);
            while (step instanceof FetchQueue.Step.Refresh) {
                step = queue.next(now, false);
            }
            queue.failed(assertInstanceOf(FetchQueue.Step.Fetch.class, step), now);
            long pause = Math.min(64, 1L << failure) * SECOND;
            FetchQueue.Step before = queue.next(now + pause - 1, false);
            assertFalse(before instanceof FetchQueue.Step.Fetch, "asked too early");
            now += pause;
        }
        queue.want(List.of(5), now);
        assertFalse(queue.next(now - 1, false) instanceof FetchQueue.Step.Fetch fetch
                && fetch.from().source().equals(other));
    }

    @Test
    void aSourceThatIsBusyIsAskedAgainSoonHoweverOften() {
        FetchQueue queue = queue();
        queue.want(List.of(9), 0);
        long now = 0;
        for (int i = 0; i < 50; i++) {
            queue.busy(fetch(queue, now, 9, "other"), now);
            assertEquals(new FetchQueue.Step.Wait(FetchQueue.BUSY_PAUSE_NANOS), queue.next(now, false));
            now += FetchQueue.BUSY_PAUSE_NANOS;
        }
        queue.failed(fetch(queue, now, 9, "other"), now);
        fetch(queue, now + SECOND, 9, "other");
    }

    @Test
    void whoIsTooBusyToSayWhatItHasIsAskedAgainSoon() {
        FetchQueue queue = new FetchQueue(0);
        queue.sources(List.of(one), 0);
        queue.want(List.of(5), 0);
        FetchQueue.Step.Refresh refresh = assertInstanceOf(FetchQueue.Step.Refresh.class, queue.next(0, false));
        queue.busy(refresh.source(), 0);
        assertEquals(new FetchQueue.Step.Wait(FetchQueue.BUSY_PAUSE_NANOS), queue.next(0, false));
        assertInstanceOf(FetchQueue.Step.Refresh.class, queue.next(FetchQueue.BUSY_PAUSE_NANOS, false));
    }

    @Test
    void besideRequestsOneComesAtATimeInAQuarterOfTheTime() {
        FetchQueue queue = queue();
        FetchQueue.Step aMoment = new FetchQueue.Step.Wait(Politeness.POLL_NANOS);
        FetchQueue.Step.Fetch first = fetch(queue, 0, true);
        assertEquals(aMoment, queue.next(10, true));
        queue.fetched(first, 10);
        assertEquals(aMoment, queue.next(39, true));
        FetchQueue.Step.Fetch second = fetch(queue, 40, true);
        FetchQueue.Step.Fetch third = fetch(queue, 40, false); // nothing is computed any more
        queue.fetched(second, SECOND);
        queue.busy(third, SECOND);
        long longest = SECOND + Politeness.LONGEST_NANOS;
        assertEquals(aMoment, queue.next(longest - 1, true));
        fetch(queue, longest, true);
    }

    @Test
    void aFullDiskIsTriedAgainAfterAMinuteOrWhenSomethingElseIsWanted() {
        FetchQueue queue = queue();
        queue.diskFailed(fetch(queue, 0, 5, "one"), 0);
        assertEquals(new FetchQueue.Step.Wait(59 * SECOND), queue.next(SECOND, false));
        queue.want(List.of(3), 2 * SECOND);
        fetch(queue, 2 * SECOND, 3, "other");
    }

    @Test
    void everythingComesWhateverFails() {
        Seeds.each(100, (seed, random) -> {
            FetchQueue queue = new FetchQueue(0);
            List<Having> sources = new ArrayList<>();
            TreeSet<Integer> wanted = new TreeSet<>();
            for (int i = 0; i < 40; i++) {
                wanted.add(i);
            }
            for (int i = 0; i < 3; i++) {
                sources.add(new Having("source " + i, new TreeSet<>()));
            }
            wanted.forEach(id -> sources.get(random.nextInt(3)).ids().add(id));
            queue.sources(sources, 0);
            queue.want(wanted, 0);
            List<Integer> came = new ArrayList<>();
            long now = 0;
            for (int steps = 0; came.size() < 40; steps++) {
                assertTrue(steps < 10_000, "stuck at " + came);
                switch (queue.next(now, random.nextInt(3) == 0)) {
                    case FetchQueue.Step.Fetch fetch when random.nextInt(4) == 0 -> queue.failed(fetch, now);
                    case FetchQueue.Step.Fetch fetch when random.nextInt(20) == 0 -> queue.diskFailed(fetch, now);
                    case FetchQueue.Step.Fetch fetch -> {
                        assertTrue(fetch.from().source().has(fetch.id()));
                        came.add(fetch.id());
                        queue.fetched(fetch, now);
                    }
                    case FetchQueue.Step.Refresh(FetchQueue.Asked asked)
                    when random.nextInt(4) == 0 -> queue.failed(asked, now);
                    case FetchQueue.Step.Refresh _ -> {}
                    case FetchQueue.Step.Wait(long nanos) -> now += nanos;
                }
            }
            assertEquals(wanted, new TreeSet<>(came));
            assertEquals(NOTHING, queue.next(now, false));
        });
    }
}
