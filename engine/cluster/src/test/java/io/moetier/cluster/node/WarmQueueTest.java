package io.moetier.cluster.node;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class WarmQueueTest {
    private static final WarmQueue.Step NOTHING = new WarmQueue.Step.Wait(Long.MAX_VALUE);
    private static final WarmQueue.Step A_MOMENT = new WarmQueue.Step.Wait(WarmQueue.POLL_NANOS);

    private final WarmQueue queue = new WarmQueue(0);

    @Test
    void theMostValuableComesFirst() {
        assertEquals(NOTHING, queue.next(0, false));
        queue.want(new int[] {5, 3});
        queue.add(new int[] {9});
        assertEquals(new WarmQueue.Step.Warm(5), queue.next(0, false));
        assertEquals(new WarmQueue.Step.Warm(3), queue.next(0, false));
        queue.want(new int[] {4});
        assertEquals(new WarmQueue.Step.Warm(4), queue.next(0, false));
        assertEquals(NOTHING, queue.next(0, false));
    }

    @Test
    void besideRequestsWhatHasBegunComesAgainAfterAMomentUntilItIsSettled() {
        queue.want(new int[] {5, 3});
        assertEquals(new WarmQueue.Step.Begin(5), queue.next(0, true));
        assertEquals(A_MOMENT, queue.next(0, true));
        long later = WarmQueue.POLL_NANOS;
        assertEquals(new WarmQueue.Step.Begin(5), queue.next(later, true));
        queue.settled(5, later);
        queue.settled(7, later); // which is wanted no longer
        assertEquals(new WarmQueue.Step.Begin(3), queue.next(later, true));
        assertEquals(new WarmQueue.Step.Warm(3), queue.next(2 * later, false));
        assertEquals(NOTHING, queue.next(2 * later, true));
    }

    @Test
    void whatIsSettledEndsNoPauseOfADiskThatFailed() {
        queue.want(new int[] {5, 3});
        assertEquals(new WarmQueue.Step.Begin(5), queue.next(0, true));
        queue.failed(Set.of(7), 0);
        queue.settled(5, 1);
        assertEquals(new WarmQueue.Step.Wait(WarmQueue.PAUSE_NANOS - 1), queue.next(1, true));
    }

    @Test
    void aDiskThatFailedIsTriedAgainLater() {
        long pause = WarmQueue.PAUSE_NANOS;
        queue.want(new int[] {5});
        queue.failed(new LinkedHashSet<>(List.of(7, 8)), 1);
        assertEquals(new WarmQueue.Step.Wait(pause), queue.next(1, false));
        assertEquals(new WarmQueue.Step.Check(7), queue.next(1 + pause, false));
        queue.failed(Set.of(7), 1 + pause);
        assertEquals(new WarmQueue.Step.Wait(pause), queue.next(1 + pause, false));
        assertEquals(new WarmQueue.Step.Check(8), queue.next(1 + 2 * pause, false));
        assertEquals(new WarmQueue.Step.Check(7), queue.next(1 + 2 * pause, false));
        assertEquals(new WarmQueue.Step.Warm(5), queue.next(1 + 2 * pause, false));
        assertEquals(NOTHING, queue.next(1 + 2 * pause, false));
    }
}
