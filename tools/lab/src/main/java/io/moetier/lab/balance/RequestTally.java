package io.moetier.lab.balance;

import java.util.Arrays;

/// Tells how much the choices in one layer depend on the request, from the counts of one request at a time.
final class RequestTally {
    private final long[] counts; // of the request under way
    private long tokens;
    private long choices;
    private long numRequests;
    private double entropies; // of all requests so far, in nats, each times its choices
    private double betweenSquares; // Σ counts² / tokens of all requests so far

    RequestTally(int numExperts) {
        counts = new long[numExperts];
    }

    void add(int[] chosen) {
        for (int expert : chosen) {
            counts[expert]++;
        }
        tokens++;
        choices += chosen.length;
    }

    /// Ends the request under way.
    void endRequest() {
        if (tokens == 0) {
            return;
        }
        numRequests++;
        entropies += choices * Shares.entropy(counts);
        for (long count : counts) {
            betweenSquares += (double) count * count / tokens;
        }
        Arrays.fill(counts, 0);
        tokens = 0;
        choices = 0;
    }

    /// Returns the divergence in bits, given the counts of all requests together.
    BesideChance bits(long[] all) {
        double mean = entropies / Shares.sum(all);
        long used = Arrays.stream(all).filter(count -> count > 0).count();
        return new BesideChance(
                Math.max(0, (Shares.entropy(all) - mean) / Math.log(2)),
                (numRequests - 1) * (used - 1) / (2 * Shares.sum(all) * Math.log(2)));
    }

    /// Returns the share of variance between requests, given the counts of all of them and their tokens.
    BesideChance variance(long[] all, long allTokens) {
        double between = betweenSquares;
        double total = 0;
        for (long count : all) {
            double mean = (double) count / allTokens;
            between -= count * mean;
            total += count * (1 - mean);
        }
        return new BesideChance(
                total <= 0 ? 0 : Math.max(0, between / total),
                allTokens < 2 ? 0 : (numRequests - 1.0) / (allTokens - 1));
    }
}
