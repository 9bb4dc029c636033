package io.moetier.runtime.metrics;

import static java.util.Map.entry;
import static java.util.stream.Collectors.toMap;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.reflect.Method;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class CountersTest {
    @Test
    void aSnapshotHoldsEveryCounter() {
        Counters counters = new Counters();
        countOnce(counters);
        Map<Counter, Long> expected = Map.ofEntries(
                entry(Counter.EXPERT_HITS, 3L),
                entry(Counter.EXPERT_MISSES, 1L),
                entry(Counter.EVICTIONS, 1L),
                entry(Counter.DISK_BYTES, 4096L),
                entry(Counter.LOAD_NANOS, 70L),
                entry(Counter.WAIT_NANOS, 50L),
                entry(Counter.PREFILL_TOKENS, 7L),
                entry(Counter.PREFILL_NANOS, 700L),
                entry(Counter.DECODE_TOKENS, 1L),
                entry(Counter.DECODE_NANOS, 500L),
                entry(Counter.DECODE_DISK_BYTES, 4096L),
                entry(Counter.EXPERTS_COMPUTED, 2L),
                entry(Counter.ROUTED_TOKENS, 3L),
                entry(Counter.CHOSEN_EXPERTS, 6L),
                entry(Counter.PREFETCHES, 2L),
                entry(Counter.PREFETCH_HITS, 1L),
                entry(Counter.COPIED_BYTES, 8192L),
                entry(Counter.COPY_NANOS, 90L),
                entry(Counter.HOST_HITS, 2L),
                entry(Counter.COMPUTED_ON_HOST, 1L),
                entry(Counter.NODE_EXPERTS, 5L),
                entry(Counter.NODE_ROWS, 9L),
                entry(Counter.NODE_MISSES, 2L),
                entry(Counter.NODE_WAIT_NANOS, 60L));
        RunStats stats = counters.snapshot();
        assertEquals(expected, Stream.of(Counter.values()).collect(toMap(counter -> counter, stats::get)));
    }

    @Test
    void nodesAreToldApartByName() {
        NodeWork before = new NodeWork("a", new NodeWork.Experts(3, 1, 1), 4, 16, 12, 90, 50);
        NodeWork after = new NodeWork("a", new NodeWork.Experts(10, 1, 3), 14, 56, 52, 190, 250);
        NodeWork other = new NodeWork("b", new NodeWork.Experts(2, 0, 0), 2, 8, 8, 30, 10);
        RunStats earlier = RunStats.NONE.withNodes(List.of(before));
        RunStats since = RunStats.NONE.withNodes(List.of(other, after)).minus(earlier);
        NodeWork added = new NodeWork("a", new NodeWork.Experts(7, 0, 2), 10, 40, 40, 100, 200);
        assertEquals(List.of(other, added), since.nodes());
        assertEquals(
                List.of(0L, 20L),
                Stream.of(added, other).map(NodeWork::linkNanos).toList());
        assertEquals(List.of(other, after), since.plus(earlier).nodes());
    }

    @Test
    @SuppressWarnings("EnumOrdinal") // a number of its own for each
    void everyNameIsThatOfItsCounter() throws ReflectiveOperationException {
        RunStats stats = RunStats.of(counter -> counter.ordinal() + 1);
        for (Method method : RunStats.class.getMethods()) {
            if (method.getDeclaringClass() == RunStats.class
                    && method.getReturnType() == long.class
                    && method.getParameterCount() == 0) {
                String counter = method.getName().replaceAll("([A-Z])", "_$1").toUpperCase(Locale.ROOT);
                assertEquals(stats.get(Counter.valueOf(counter)), method.invoke(stats), counter);
            }
        }
    }

    @Test
    void sumsAreThoseOfEveryCounterAndDevice() {
        Counters counters = new Counters();
        countOnce(counters);
        RunStats once = counters.snapshot();
        countOnce(counters);
        assertEquals(counters.snapshot(), once.plus(once));
        assertEquals(once, RunStats.NONE.plus(once));
        assertEquals(RunStats.NONE, once.minus(once));
        RunStats ofDevices = once.withDeviceHits(List.of(5L, 7L));
        assertEquals(List.of(10L, 14L), ofDevices.plus(ofDevices).deviceHits());
        assertEquals(List.of(5L, 7L), ofDevices.minus(once).deviceHits());
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
        counters.addOnNodes(5, 9, 2);
        counters.addNodeWait(60);
        counters.addWait(50);
        counters.addPrefill(7, 700);
        counters.addDecode(1, 500, 4096);
        counters.addExpertsComputed(2);
        counters.addChoices(3, 6);
        counters.addPrefetch();
        counters.addPrefetch();
        counters.addPrefetchHit();
    }
}
