package io.moetier.lab.calibrate;

import java.util.List;

/// The line `first + misses * each` of the time that loads take, and the share of other work that they hide, from what
/// layers with misses took longer than layers without.
///
/// Of the time for loads, `overlap * min(loads, besides)` does not show, for the work `besides` is done meanwhile.
///
/// @param error mean square of what the line misses, in seconds
record LoadFit(double first, double each, double overlap, double error) {
    private static final int OVERLAP_STEPS = 20;

    /// Layers with so many misses.
    ///
    /// @param longer seconds that they take longer than a layer without, whose experts are all computed too
    /// @param besides seconds of work on the experts that are there
    /// @param weight how much they count
    record Sample(int misses, double longer, double besides, double weight) {
        /// Returns what the loads must have taken.
        private double loads(double overlap) {
            double all = longer + overlap * besides;
            return all >= besides || overlap == 1 ? all : longer / (1 - overlap);
        }
    }

    /// Returns the best fit.
    ///
    /// @throws IllegalArgumentException if the samples are all of one number of misses
    static LoadFit of(List<Sample> samples) {
        LoadFit best = with(0, samples);
        for (int step = 1; step <= OVERLAP_STEPS; step++) {
            LoadFit next = with((double) step / OVERLAP_STEPS, samples);
            best = next.error < best.error ? next : best;
        }
        return best;
    }

    /// Returns the best line for a given overlap.
    ///
    /// @throws IllegalArgumentException if the samples are all of one number of misses
    static LoadFit with(double overlap, List<Sample> samples) {
        double weights = 0;
        double meanMisses = 0;
        double meanLoads = 0;
        for (Sample sample : samples) {
            weights += sample.weight;
            meanMisses += sample.weight * sample.misses;
            meanLoads += sample.weight * sample.loads(overlap);
        }
        meanMisses /= weights;
        meanLoads /= weights;
        double spread = 0;
        double slope = 0;
        for (Sample sample : samples) {
            double distance = sample.misses - meanMisses;
            spread += sample.weight * distance * distance;
            slope += sample.weight * distance * (sample.loads(overlap) - meanLoads);
        }
        if (!(spread > 0)) {
            throw new IllegalArgumentException("a line needs two numbers of misses, not " + samples.size());
        }
        double each = Math.max(0, slope / spread);
        double first = meanLoads - each * meanMisses;
        double error = 0;
        for (Sample sample : samples) {
            double off = sample.loads(overlap) - first - each * sample.misses;
            error += sample.weight / weights * off * off;
        }
        return new LoadFit(first, each, overlap, error);
    }
}
