package io.moetier.lab.balance;

import java.util.Arrays;

/// How evenly choices are spread over the experts of a layer.
///
/// `f(i)` is expert `i`'s share of all choices, and `E` the number of experts.
///
/// @param entropy `-Σ f(i) log f(i) / log E`: 1 where all experts are used alike, 0 where one is
/// @param variation standard deviation of the experts' counts over their mean
/// @param hottest10 share of choices that go to the tenth of the experts chosen most often, rounded up to whole experts
/// @param hottest25 the same of a quarter
/// @param hottest50 the same of half of them
/// @param unused experts that were never chosen
public record Evenness(
        double entropy, double variation, double hottest10, double hottest25, double hottest50, double unused) {
    static Evenness of(long[] counts) {
        return new Evenness(
                Shares.normalisedEntropy(counts),
                Shares.variation(counts),
                Shares.hottest(counts, 10),
                Shares.hottest(counts, 25),
                Shares.hottest(counts, 50),
                Arrays.stream(counts).filter(count -> count == 0).count());
    }
}
