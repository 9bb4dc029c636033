package io.moetier.lab.calibrate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.lab.calibrate.LoadFit.Sample;
import io.moetier.lab.cost.LoadCosts;
import io.moetier.lab.cost.LoadingAhead;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LoadFitTest {
    private static final double EXPERT = 70e-6;

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.5, 1})
    void whatLayersAreMadeOfIsFoundAgain(double overlap) {
        List<Sample> samples = new ArrayList<>();
        samples.addAll(samples(2, 100e-6, 400e-6, overlap));
        samples.addAll(samples(8, 100e-6, 400e-6, overlap));
        LoadFit fit = LoadFit.of(samples);
        assertEquals(overlap, fit.overlap(), 1e-9);
        assertEquals(100e-6, fit.first(), 1e-12);
        assertEquals(400e-6, fit.each(), 1e-12);
        assertTrue(fit.error() < 1e-20);
    }

    /// Loads that are shorter than the other work hide all of it that they can.
    @Test
    void shortLoadsHideNoMoreThanThemselves() {
        LoadFit fit = LoadFit.with(0.5, samples(8, 10e-6, 20e-6, 0.5));
        assertEquals(10e-6, fit.first(), 1e-12);
        assertEquals(20e-6, fit.each(), 1e-12);
    }

    @Test
    void aLineNeedsTwoPoints() {
        List<Sample> one = List.of(new Sample(1, 1, 0, 1), new Sample(1, 2, 0, 1));
        assertThrows(IllegalArgumentException.class, () -> LoadFit.of(one));
    }

    @Test
    void costsOfTwoSizesAreALine() {
        LoadCosts costs = Calibration.line(
                new LoadFit(100e-6, 50e-6, 0.25, 0),
                new LoadFit(300e-6, 450e-6, 0.5, 0),
                new LoadingAhead(200_000, 0.6, 3_000_000, 0.9));
        assertEquals(0.5, costs.overlap());
        assertEquals(100e-6 + 50e-6, costs.seconds(1, 200_000), 1e-12);
        assertEquals(300e-6 + 4 * 450e-6, costs.seconds(4, 3_000_000), 1e-12);
        assertEquals(200e-6 + 250e-6, costs.seconds(1, 1_600_000), 1e-12);
        assertEquals(0, costs.seconds(0, 1_600_000));
    }

    /// What else had the cores makes a time long, but not longer than two.
    @Test
    void timesOfOthersCountAsTwo() {
        Times times = new Times();
        assertThrows(IllegalStateException.class, times::typicalSeconds);
        for (int i = 0; i < 7; i++) {
            times.add(900 + 100 * (i % 3)); // 900, 1000 or 1100
        }
        for (int i = 0; i < 3; i++) {
            times.add(1_000_000);
        }
        assertEquals(1e-9 * (6900 + 3 * 2 * 1100) / 10, times.typicalSeconds(), 1e-15);
    }

    private static List<Sample> samples(int k, double first, double each, double overlap) {
        List<Sample> samples = new ArrayList<>();
        for (int misses = 1; misses <= k; misses++) {
            double loads = first + misses * each;
            double besides = (k - misses) * EXPERT;
            samples.add(new Sample(misses, loads - overlap * Math.min(loads, besides), besides, misses));
        }
        return samples;
    }
}
