package io.moetier.runtime.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class MissesTest {
    private static final int MOST = 9;
    private static final double ROUNDING = 1e-9;

    /// What a layer's missing experts take if the processor does those whose bits are set.
    private static double time(int processors, double busy, double[] times, double copyTime) {
        double processor = busy;
        double copies = 0;
        for (int i = 0; i < times.length; i++) {
            if ((processors & 1 << i) != 0) {
                processor += times[i];
            } else {
                copies += copyTime;
            }
        }
        return Math.max(processor, copies);
    }

    private static double[] untilDone(double busy, double[] times) {
        double[] sorted = times.clone();
        Arrays.sort(sorted);
        double[] untilDone = new double[times.length + 1];
        untilDone[0] = busy;
        for (int i = 0; i < sorted.length; i++) {
            untilDone[i + 1] = untilDone[i] + sorted[i];
        }
        return untilDone;
    }

    @Test
    void noDivisionEndsSooner() {
        SplittableRandom random = new SplittableRandom(20);
        for (int round = 0; round < 2000; round++) {
            double[] times = random.doubles(random.nextInt(MOST + 1), 0.1, 3).toArray();
            double copyTime = random.nextDouble(0.1, 3);
            double busy = random.nextBoolean() ? 0 : random.nextDouble(4);
            double[] untilDone = untilDone(busy, times);
            int count = Misses.AUTO.onProcessor(times.length, copyTime, untilDone);
            double found = Math.max(untilDone[count], (times.length - count) * copyTime);
            double least = Double.POSITIVE_INFINITY;
            for (int processors = 0; processors < 1 << times.length; processors++) {
                least = Math.min(least, time(processors, busy, times, copyTime));
            }
            assertEquals(least, found, ROUNDING, () -> copyTime + " " + Arrays.toString(untilDone));
        }
    }

    @Test
    void ofEqualDivisionsTheOneWithMoreCopiesIsTaken() {
        assertEquals(0, Misses.AUTO.onProcessor(1, 1, new double[] {0, 1}));
        assertEquals(1, Misses.AUTO.onProcessor(2, 1, new double[] {0, 1, 2}));
        assertEquals(0, Misses.AUTO.onProcessor(0, 1, new double[] {0}));
    }

    @Test
    void copyAndCpuLeaveNoChoice() {
        double[] nobodyAsks = {};
        assertEquals(0, Misses.COPY.onProcessor(5, Double.NaN, nobodyAsks));
        assertEquals(5, Misses.CPU.onProcessor(5, Double.NaN, nobodyAsks));
    }
}
