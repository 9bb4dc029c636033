package io.moetier.lab.throughput;

import java.util.Arrays;
import java.util.OptionalInt;

/// Says from their times alone when steps have become as fast as they stay.
///
/// MSER-5, the marginal standard error rule on batches of five (White, "An effective truncation heuristic for bias
/// reduction in simulation output", Simulation 69(6), 1997; White, Cobb and Spratt, "A comparison of five steady-state
/// truncation heuristics for simulation", WSC 2000): of all beginnings of a series the one is left out after which the
/// squared standard error of what remains, Σ(x - mean)² / n², is the least. Where that would be more than half of the
/// series, it has not become steady. Batches stand here by their median and not by their mean: a step that another
/// process held up is no warm-up.
public final class SteadyState {
    /// Steps below which nothing can be told.
    public static final int LEAST_STEPS = 4;

    private static final int BATCH = 5;
    private static final int LEAST_BATCHES = 4;
    private static final double LAST = 0.75; // of the series: few values at the end agree by chance

    private SteadyState() {}

    /// Returns the first step that counts; nothing if the series has not become steady, or is too short to tell.
    public static OptionalInt begin(double[] seconds) {
        int size = seconds.length >= BATCH * LEAST_BATCHES ? BATCH : 1;
        double[] batches = new double[seconds.length / size];
        Arrays.setAll(batches, i -> Medians.of(Arrays.copyOfRange(seconds, i * size, (i + 1) * size)));
        if (seconds.length < LEAST_STEPS) {
            return OptionalInt.empty();
        }
        int best = leastError(batches);
        return best <= batches.length / 2 ? OptionalInt.of(best * size) : OptionalInt.empty();
    }

    /// Returns how many batches are to be left out; a quarter remains at least.
    private static int leastError(double[] batches) {
        double sum = 0;
        double squares = 0;
        double least = Double.POSITIVE_INFINITY;
        int best = 0;
        double scale = Medians.of(batches); // so that the squares do not cancel
        for (int from = batches.length - 1; from >= 0; from--) {
            double x = batches[from] - scale;
            sum += x;
            squares += x * x;
            int n = batches.length - from;
            double error = (squares - sum * sum / n) / ((double) n * n);
            if (n >= 2 && from <= LAST * batches.length && error <= least) {
                least = error;
                best = from;
            }
        }
        return best;
    }
}
