package io.moetier.runtime.offload;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class PlacementTest {
    private static final long BYTES = 1000;

    /// A clock that is set by hand, for loaders that never load.
    private static final class SetClock implements Loaders {
        private double nanos;
        private double processorNanos;

        @Override
        public int count() {
            return 0;
        }

        @Override
        public int mostCount() {
            return count();
        }

        @Override
        public <L extends Load> TransferScheduler<L> ofDevice(int capacity) {
            throw new AssertionError("nothing is loaded");
        }

        @Override
        public <L extends Load> TransferScheduler<L> ofProcessor(int capacity) {
            throw new AssertionError("nothing is loaded");
        }

        @Override
        public double nanos() {
            return nanos;
        }

        @Override
        public double computed(long bytes, int rows, long measuredNanos) {
            return processorNanos;
        }
    }

    private final SetClock clock = new SetClock();
    private final MissCosts costs = new MissCosts(clock);
    private final Placement auto = new Placement(Misses.AUTO, costs, 6);

    private void copy(long nanos) {
        double start = costs.nanos();
        clock.nanos += nanos;
        costs.copied(BYTES, start);
    }

    /// Computes an expert for one row on the processor, which counts as `nanos`.
    private void compute(long nanos) {
        clock.processorNanos = nanos;
        costs.computed(BYTES, 1, 1_000_000);
    }

    private int onProcessor(int[] missing, int... rows) {
        auto.beginLayer();
        return auto.onProcessor(missing, missing.length, rows, BYTES);
    }

    @Test
    void copyAndCpuAskNobody() {
        int[] missing = {0, 1, 2};
        assertEquals(0, new Placement(Misses.COPY, costs, 3).onProcessor(missing, 3, new int[] {1, 1, 1}, BYTES));
        assertEquals(3, new Placement(Misses.CPU, costs, 3).onProcessor(missing, 3, new int[] {1, 1, 1}, BYTES));
    }

    @Test
    void bothWaysAreMeasuredBeforeTheyAreCompared() {
        int[] missing = {0, 1, 2};
        assertEquals(0, onProcessor(missing, 1, 1, 1));
        copy(100);
        assertEquals(1, onProcessor(missing, 1, 1, 1));
        compute(50);
        assertEquals(2, onProcessor(missing, 1, 1, 1), "two in the time of one copy");
    }

    @Test
    void ofThreadsTheMeasuredTimeCounts() {
        MissCosts real = new MissCosts(Loaders.THREADS);
        real.computed(BYTES, 1, 70);
        assertEquals(70, real.computeNanos(BYTES, 1), 1e-9);
    }

    @Test
    void theLongerOfBothIsAsShortAsCanBe() {
        copy(100);
        compute(100);
        assertEquals(3, onProcessor(new int[] {0, 1, 2, 3, 4, 5}, 1, 1, 1, 1, 1, 1));
        for (int i = 0; i < 50; i++) {
            compute(700);
        }
        assertEquals(0, onProcessor(new int[] {0, 1, 2, 3, 4, 5}, 1, 1, 1, 1, 1, 1), "one on the CPU lasts too long");
        for (int i = 0; i < 50; i++) {
            copy(7000);
        }
        assertEquals(6, onProcessor(new int[] {0, 1, 2, 3, 4, 5}, 1, 1, 1, 1, 1, 1));
    }

    @Test
    void theProcessorTakesTheExpertsWithTheFewestRows() {
        copy(100);
        compute(30);
        int[] missing = {0, 1, 2, 3};
        assertEquals(2, onProcessor(missing, 16, 2, 64, 1));
        assertArrayEquals(new int[] {2, 0, 1, 3}, missing, "64 rows would take 1920, 16 rows 480");
    }

    @Test
    void anotherDevicesShareCounts() {
        copy(100);
        compute(100);
        int[] missing = {0, 1};
        assertEquals(1, onProcessor(missing, 1, 1));
        assertEquals(0, auto.onProcessor(missing, 2, new int[] {1, 1}, BYTES), "the processor is busy until then");
    }

    @Test
    void aWayThatSeemedTooSlowIsTriedAgainSomeDay() {
        copy(100);
        compute(1000);
        int tries = 0;
        int[] missing = {0, 1};
        while (onProcessor(missing, 1, 1) == 0) {
            tries++;
        }
        assertTrue(tries > 500 && tries < 1000, () -> "not at once, and not never");
    }

    @Test
    void copiesThatOverlapShareTheLink() {
        double start = costs.nanos();
        clock.nanos += 100;
        costs.copied(BYTES, start);
        clock.nanos += 100;
        costs.copied(BYTES, start);
        assertEquals(100, costs.copyNanos(BYTES), 1e-9);
    }
}
