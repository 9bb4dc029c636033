package io.moetier.lab.throughput;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.LongStream;

/// The times of equal steps, round after round, in nanoseconds.
///
/// What a step takes is the median of the rounds' means: a mean, for what comes seldom counts too, and a median, for a
/// round in which the machine did something else does not. Steps of a round are more alike than those of different
/// rounds, so resampling draws rounds first and then steps of each (Davison and Hinkley, "Bootstrap Methods and their
/// Application", 1997, section 3.8).
public record Samples(List<long[]> rounds) {
    private static final int RESAMPLES = 1000;

    /// @throws IllegalArgumentException if there is no round, one without steps, or they have not as many
    public Samples {
        if (rounds.stream()
                                .mapToInt(steps -> Math.max(1, steps.length))
                                .distinct()
                                .count()
                        != 1
                || rounds.getFirst().length == 0) {
            throw new IllegalArgumentException("expected rounds of as many steps, found others, or none");
        }
        rounds = List.copyOf(rounds);
    }

    /// Returns the seconds of a step.
    public double seconds() {
        double[] means = new double[rounds.size()];
        Arrays.setAll(means, i -> LongStream.of(rounds.get(i)).sum() / (1e9 * rounds.get(i).length));
        return Medians.of(means);
    }

    /// Returns the seconds of a step with their interval.
    public Estimate estimate(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        double[] resampled = new double[RESAMPLES];
        Arrays.setAll(resampled, _ -> resampledSeconds(random));
        Arrays.sort(resampled);
        return Estimate.of(seconds(), resampled);
    }

    /// Returns the seconds of a step of samples that might as well have been taken.
    double resampledSeconds(SplittableRandom random) {
        double[] means = new double[rounds.size()];
        for (int i = 0; i < means.length; i++) {
            long[] steps = rounds.get(random.nextInt(rounds.size()));
            double sum = 0;
            for (int j = 0; j < steps.length; j++) {
                sum += steps[random.nextInt(steps.length)];
            }
            means[i] = sum / (1e9 * steps.length);
        }
        return Medians.of(means);
    }
}
