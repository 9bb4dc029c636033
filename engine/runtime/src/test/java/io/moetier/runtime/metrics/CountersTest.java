package io.moetier.runtime.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class CountersTest {
    @Test
    void aSnapshotHoldsEveryCounter() {
        Counters counters = new Counters();
        countOnce(counters);
        assertEquals(
                new RunStats(3, 1, 1, 4096, 70, 50, 7, 700, 1, 500, 2, 3, 6, 2, 1, 8192, 90, 2, 1, List.of()),
                counters.snapshot());
    }

    @Test
    void theDifferenceOfTwoSnapshotsIsWhatHappenedBetween() {
        Counters counters = new Counters();
        countOnce(counters);
        RunStats first = counters.snapshot();
        countOnce(counters);
        assertEquals(first, counters.snapshot().minus(first));
    }

    @Test
    void theHitRateOfNothingIsZero() {
        RunStats nothing = new Counters().snapshot();
        assertEquals(0, nothing.hitRate());
    }

    @Test
    void theHitRateIsAShareOfWhatWasNeeded() {
        Counters counters = new Counters();
        countOnce(counters);
        assertEquals(0.75, counters.snapshot().hitRate());
    }

    private static void countOnce(Counters counters) {
        counters.addHits(3);
        counters.addMisses(1);
        counters.addEviction();
        counters.addDiskLoad(4096, 70);
        counters.addCopy(4096, 60, true);
        counters.addCopy(4096, 30, false);
        counters.addHostHit();
        counters.addComputedOnHost();
        counters.addWait(50);
        counters.addPrefill(7, 700);
        counters.addDecode(1, 500);
        counters.addExpertsComputed(2);
        counters.addChoices(3, 6);
        counters.addPrefetch();
        counters.addPrefetch();
        counters.addPrefetchHit();
    }
}
