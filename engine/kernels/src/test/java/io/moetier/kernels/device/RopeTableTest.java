package io.moetier.kernels.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RopeTableTest {
    @Test
    void growsWithoutChangingWhatWasThere() {
        RopeTable table = RopeTable.of(16, 10000, false, Optional.empty());
        RopeTable.Angles few = table.reserve(3);
        RopeTable.Angles many = table.reserve(1000);
        assertTrue(many.positions() >= 1000);
        for (int i = 0; i < 3 * 8; i++) {
            assertEquals(few.cos()[i], many.cos()[i]);
            assertEquals(few.sin()[i], many.sin()[i]);
        }
        assertEquals(1f, many.cos()[0]);
        assertEquals((float) Math.sin(999 * Math.pow(10000, -2.0 / 16)), many.sin()[999 * 8 + 1]);
    }

    @Test
    void takesWhatIsSaidOfIt() {
        RopeTable table = RopeTable.of(16, 10000, false, Optional.empty());
        for (int positions : new int[] {0, 3, 64, 65, 100, 5000}) {
            table.reserve(positions);
            assertEquals(RopeTable.bytes(16, positions), table.byteSize(), positions + " positions");
        }
        assertEquals(2L * Float.BYTES * 64 * 131072, RopeTable.bytes(128, 131072));
    }

    @Test
    void yarnKeepsFastFrequenciesAndSlowsTheSlowOnes() {
        double factor = 4;
        double attention = RopeTable.Yarn.attentionFactor(factor, 0, 0);
        assertEquals(0.1 * Math.log(4) + 1, attention);
        RopeTable table =
                RopeTable.of(128, 1e6, false, Optional.of(new RopeTable.Yarn(factor, 32768, 32, 1, true, attention)));
        RopeTable.Angles angles = table.reserve(2);
        assertEquals((float) (Math.sin(1) * attention), angles.sin()[64]);
        double slowest = Math.pow(1e6, -126.0 / 128) / factor;
        assertEquals((float) (Math.sin(slowest) * attention), angles.sin()[64 + 63]);
        // low = floor(23.59) = 23, high = ceil(39.65) = 40: pair 30 is 7/17 of the way
        double frequency = Math.pow(1e6, -60.0 / 128);
        double between = frequency / factor * 7 / 17 + frequency * 10 / 17;
        assertEquals((float) (Math.sin(between) * attention), angles.sin()[64 + 30]);
    }

    @Test
    void takesTheRatioOfTheTwoScalesWhereACheckpointHasBoth() {
        assertEquals(1, RopeTable.Yarn.attentionFactor(40, 0.707, 0.707));
        assertEquals(1, RopeTable.Yarn.attentionFactor(1, 0, 0));
    }

    @Test
    void aLargerBaseSlowsTheSlowestPairMost() {
        RopeTable table = RopeTable.of(8, 10000, false, Optional.of(new RopeTable.LargerBase(1000)));
        double theta = 10000 * Math.pow(1000, 8.0 / 6);
        for (int i = 0; i < 4; i++) {
            assertEquals(Math.sin(Math.pow(theta, -i / 4.0)), table.reserve(2).sin()[4 + i], 1e-7);
        }
    }

    @Test
    void longTextsHaveAnglesOfTheirOwn() {
        RopeTable.LongRope scaling = new RopeTable.LongRope(
                16, new RopeTable.Divided(List.of(1.0, 2.0), 1.5), new RopeTable.Divided(List.of(3.0, 4.0), 1.25));
        RopeTable table = RopeTable.of(4, 10000, true, Optional.of(scaling));
        assertSame(table, table.ofText(16));
        assertEquals(1.5 * Math.sin(0.01 / 2), table.reserve(2).sin()[2 + 1], 1e-7);
        RopeTable longer = table.ofText(17);
        assertEquals(1.25 * Math.sin(1.0 / 3), longer.reserve(2).sin()[2], 1e-7);
        assertEquals(1.25 * Math.cos(0.01 / 4), longer.reserve(2).cos()[2 + 1], 1e-7);
        assertTrue(longer.interleaved());
        assertSame(longer, longer.ofText(100));
        assertEquals(Math.sqrt(1 + 5 / 12.0), RopeTable.LongRope.magnitude(32, 4096), 1e-12);
        assertEquals(1, RopeTable.LongRope.magnitude(1, 4096));
    }

    @Test
    void aShareOfThePairsIsRotatedByTheFrequenciesOfAll() {
        RopeTable.Angles angles = RopeTable.of(16, 10000, false, Optional.of(new RopeTable.FirstPairs(0.25)))
                .reserve(4);
        assertEquals(Math.sin(3), angles.sin()[3 * 8], 1e-7);
        assertEquals(Math.sin(3 * Math.pow(10000, -2.0 / 16)), angles.sin()[3 * 8 + 1], 1e-7);
        for (int pair = 2; pair < 8; pair++) {
            assertEquals(0f, angles.sin()[3 * 8 + pair]);
            assertEquals(1f, angles.cos()[3 * 8 + pair]);
        }
    }

    @Test
    void refusesOtherFactorsThanPairs() {
        RopeTable.Divided one = new RopeTable.Divided(List.of(1.0), 1);
        assertThrows(IllegalArgumentException.class, () -> RopeTable.of(4, 10000, false, Optional.of(one)));
    }

    @Test
    void refusesAnOddHead() {
        assertThrows(IllegalArgumentException.class, () -> RopeTable.of(7, 10000, false, Optional.empty()));
    }
}
