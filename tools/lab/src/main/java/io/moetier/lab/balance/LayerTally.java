package io.moetier.lab.balance;

import java.util.Arrays;
import java.util.Optional;

/// Counts what one layer chose.
final class LayerTally {
    private final long[] counts;
    private final double[] mass; // sum of the weights that each expert was chosen with
    private final long[] lastToken; // that chose each expert, -1 where there was none
    private final RequestTally requests;
    private final StackDistance stack;
    private final ReuseCurve tokenReuse = new ReuseCurve(Balance.MOST_TOKENS);
    private final ReuseCurve expertReuse;
    private long tokens;
    private long firstOfRequest; // the token that the request under way began with
    private long neighbours; // choices of tokens that follow another of their request
    private long repeated; // those of them that the other token made too
    private boolean weighted = true;

    LayerTally(int numExperts) {
        counts = new long[numExperts];
        mass = new double[numExperts];
        lastToken = new long[numExperts];
        Arrays.fill(lastToken, -1);
        requests = new RequestTally(numExperts);
        stack = new StackDistance(numExperts);
        expertReuse = new ReuseCurve(numExperts);
    }

    void add(int[] chosen, Optional<float[]> weights) {
        boolean follows = tokens > firstOfRequest;
        neighbours += follows ? chosen.length : 0;
        for (int i = 0; i < chosen.length; i++) {
            int expert = chosen[i];
            repeated += follows && lastToken[expert] == tokens - 1 ? 1 : 0;
            addReuse(expert);
            counts[expert]++;
            lastToken[expert] = tokens;
            if (weights.isPresent()) {
                mass[expert] += weights.get()[i];
            }
        }
        weighted &= weights.isPresent();
        requests.add(chosen);
        tokens++;
    }

    void endRequest() {
        requests.endRequest();
        firstOfRequest = tokens;
    }

    boolean isEmpty() {
        return tokens == 0;
    }

    ReuseCurve tokenReuse() {
        return tokenReuse;
    }

    ReuseCurve expertReuse() {
        return expertReuse;
    }

    /// Returns the figures of all requests, which must have ended.
    LayerBalance balance() {
        double weightSum = Arrays.stream(mass).sum();
        boolean fromWeights = weighted && weightSum > 0;
        return new LayerBalance(
                loss(fromWeights, weightSum),
                fromWeights,
                Evenness.of(counts),
                new BesideChance(neighbours == 0 ? 0 : (double) repeated / neighbours, overlapByChance()),
                requests.bits(counts),
                requests.variance(counts, tokens));
    }

    private void addReuse(int expert) {
        int distance = stack.access(expert);
        if (distance == StackDistance.NEVER) {
            tokenReuse.addFirst();
            expertReuse.addFirst();
        } else {
            tokenReuse.add(tokens - lastToken[expert]);
            expertReuse.add(distance + 1L);
        }
    }

    private double loss(boolean fromWeights, double weightSum) {
        double choices = Shares.sum(counts);
        double loss = 0;
        for (int i = 0; i < counts.length; i++) {
            double share = counts[i] / choices;
            loss += share * (fromWeights ? mass[i] / weightSum : share);
        }
        return counts.length * loss;
    }

    private double overlapByChance() {
        double perToken = Shares.sum(counts) / tokens; // k
        return Arrays.stream(counts)
                        .mapToDouble(count -> (double) count / tokens)
                        .map(share -> share * share)
                        .sum()
                / perToken;
    }
}
