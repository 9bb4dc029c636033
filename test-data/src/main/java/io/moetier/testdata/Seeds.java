package io.moetier.testdata;

import java.util.SplittableRandom;

/// Tries a property with random numbers from many seeds, which are the same in every run.
public final class Seeds {
    /// Set to a seed, it is the only one tried: `-Dmoetier.seed=17`.
    static final String ONLY = "moetier.seed";

    private Seeds() {}

    /// What is tried.
    @FunctionalInterface
    public interface Try {
        /// Tries the property with one seed.
        ///
        /// @param random numbers that depend on the seed alone
        void with(int seed, SplittableRandom random) throws Exception;
    }

    /// Tries the seeds from 0 to `tries - 1`.
    ///
    /// @throws AssertionError naming the seed at which the property does not hold
    public static void each(int tries, Try property) {
        Integer only = Integer.getInteger(ONLY);
        if (only == null) {
            each(0, tries, property);
        } else {
            each(only, only + 1, property);
        }
    }

    static void each(int from, int to, Try property) {
        for (int seed = from; seed < to; seed++) {
            tryOne(seed, property);
        }
    }

    private static void tryOne(int seed, Try property) {
        try {
            property.with(seed, new SplittableRandom(seed));
        } catch (Exception | AssertionError | StackOverflowError | OutOfMemoryError e) {
            throw new AssertionError("at seed " + seed + ", which -D" + ONLY + "=" + seed + " tries alone: " + e, e);
        }
    }
}
