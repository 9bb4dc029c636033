package io.moetier.lab.cluster;

import io.moetier.lab.plan.HitPriors;
import io.moetier.runtime.trace.TokenRow;
import io.moetier.runtime.trace.TraceHeader;
import io.moetier.runtime.trace.TraceReader;
import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;

/// Which experts each of some tokens chooses in each layer: those of a trace, or drawn.
///
/// The tokens of a trace are taken one after another, as if each were generated. The first of them are for what a
/// cluster learns beforehand: who owns what, and what is in memory.
public final class Choices {
    /// Enough of a trace for caches to fill, and for shares of a percent.
    private static final int MOST_TOKENS = 4096;

    /// Of all tokens in all layers: a trace of fewer tokens tells enough of a model with so many.
    private static final int MOST_CHOICES = 1 << 26;

    private static final int WARM_UP_PART = 4;
    private static final int FIRST_TOKENS = 64;
    private static final int DRAWN_TOKENS = 512;
    private static final long SEED = 24;

    private final int layers;
    private final int topK;
    private final int warmUpTokens;
    private final Optional<HitPriors> priors; // nothing where a cache can be tried
    private final int[] experts; // [tokens, layers, topK], ascending, NONE behind the last
    private final float[] weights; // likewise, or nothing
    private final long[][] used; // [layers][experts]

    private Choices(
            int[] experts, float[] weights, long[][] used, int topK, int warmUpTokens, Optional<HitPriors> priors) {
        this.layers = used.length;
        this.topK = topK;
        this.warmUpTokens = warmUpTokens;
        this.priors = priors;
        this.experts = experts;
        this.weights = weights;
        this.used = used;
    }

    /// Reads a trace, as far as it counts. Uses are those of its first part, which is not timed.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if it is damaged
    /// @throws IllegalArgumentException if there are no tokens in it
    public static Choices of(TraceReader trace) {
        TraceHeader header = trace.header();
        TokenRow row = new TokenRow(header);
        int width = header.layers() * header.topK();
        int[] experts = new int[0];
        float[] weights = new float[0];
        boolean weighted = true;
        int tokens = 0;
        int most = Math.min(MOST_TOKENS, MOST_CHOICES / width);
        while (tokens < most && trace.read(row)) {
            if (tokens * width == experts.length) {
                experts = Arrays.copyOf(experts, Math.clamp(2L * tokens, FIRST_TOKENS, most) * width);
                weights = Arrays.copyOf(weights, experts.length);
            }
            for (int layer = 0; layer < header.layers(); layer++) {
                copySorted(row, layer, header.topK(), experts, weights, tokens * width + layer * header.topK());
            }
            weighted &= row.hasWeights();
            tokens++;
        }
        if (tokens == 0) {
            throw new IllegalArgumentException("a trace without tokens tells nothing");
        }
        int warmUp = tokens / WARM_UP_PART;
        long[][] used = new long[header.layers()][header.experts()];
        for (int i = 0; i < warmUp * width; i++) {
            if (experts[i] != TokenRow.NONE) {
                used[i % width / header.topK()][experts[i]]++;
            }
        }
        return new Choices(
                Arrays.copyOf(experts, tokens * width),
                weighted ? Arrays.copyOf(weights, tokens * width) : new float[0],
                used,
                header.topK(),
                warmUp,
                Optional.empty());
    }

    /// Draws tokens that choose every expert equally often.
    public static Choices even(ClusterModel model) {
        long[][] used = new long[model.layers()][model.experts()];
        for (long[] layer : used) {
            Arrays.fill(layer, 1);
        }
        return byUse(used, model.topK());
    }

    /// Draws tokens that choose experts about as often as they were used, the same ones every time.
    ///
    /// @param used by layer and expert; one that was never used is drawn where a layer has no others
    public static Choices byUse(long[][] used, int topK) {
        SplittableRandom random = new SplittableRandom(SEED);
        int[] experts = new int[DRAWN_TOKENS * used.length * topK];
        for (int from = 0; from < experts.length; from += topK) {
            draw(used[from / topK % used.length], random, experts, from, topK);
        }
        return new Choices(experts, new float[0], used, topK, 0, Optional.of(HitPriors.shipped()));
    }

    /// Returns how often each expert was used before, by layer.
    long[][] used() {
        return used;
    }

    /// Returns how often drawn experts are found in memory; nothing for those of a text in its order, which a
    /// cache can be tried with.
    Optional<HitPriors> priors() {
        return priors;
    }

    int tokens() {
        return experts.length / (layers * topK);
    }

    int layers() {
        return layers;
    }

    int experts() {
        return used[0].length;
    }

    int topK() {
        return topK;
    }

    int warmUpTokens() {
        return warmUpTokens;
    }

    boolean weighted() {
        return weights.length > 0;
    }

    /// Copies what a token chooses in a layer, ascending; returns how many.
    int copy(int token, int layer, int[] toExperts, float[] toWeights) {
        int from = (token * layers + layer) * topK;
        int n = 0;
        while (n < topK && experts[from + n] != TokenRow.NONE) {
            toExperts[n] = experts[from + n];
            toWeights[n] = weighted() ? weights[from + n] : 0;
            n++;
        }
        return n;
    }

    private static void copySorted(TokenRow row, int layer, int topK, int[] experts, float[] weights, int to) {
        int n = row.numChosen(layer);
        Arrays.fill(experts, to, to + topK, TokenRow.NONE);
        for (int i = 0; i < n; i++) {
            int expert = row.experts()[layer * topK + i];
            int at = i;
            while (at > 0 && experts[to + at - 1] > expert) {
                experts[to + at] = experts[to + at - 1];
                weights[to + at] = weights[to + at - 1];
                at--;
            }
            experts[to + at] = expert;
            weights[to + at] = row.weights()[layer * topK + i];
        }
    }

    private static void draw(long[] used, SplittableRandom random, int[] experts, int from, int topK) {
        boolean[] taken = new boolean[used.length];
        for (int i = 0; i < topK; i++) {
            taken[drawOne(used, taken, random)] = true;
        }
        int to = from;
        for (int expert = 0; expert < used.length; expert++) {
            if (taken[expert]) {
                experts[to++] = expert;
            }
        }
    }

    private static int drawOne(long[] used, boolean[] taken, SplittableRandom random) {
        long sum = 0;
        for (int expert = 0; expert < used.length; expert++) {
            sum += taken[expert] ? 0 : used[expert];
        }
        long left = sum == 0 ? -1 : random.nextLong(sum);
        for (int expert = 0; expert < used.length; expert++) {
            if (!taken[expert]) {
                left -= used[expert];
                if (left < 0) {
                    return expert;
                }
            }
        }
        throw new IllegalStateException("chose more experts than there are: " + used.length);
    }
}
