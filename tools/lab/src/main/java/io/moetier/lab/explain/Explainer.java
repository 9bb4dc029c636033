package io.moetier.lab.explain;

import io.moetier.lab.explain.Part.Kind;
import io.moetier.runtime.model.pass.Mixture;
import io.moetier.runtime.model.pass.MixtureObserver;
import io.moetier.runtime.model.pass.Rows;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.MixtureOfHeadsSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Keeps what a session's mixtures do with each token, in numbers. To be told of a session from its first token on.
public final class Explainer implements MixtureObserver {
    private final ModelSpec spec;
    private final Wanted wanted;
    private final List<TokenMixture> mixtures = new ArrayList<>();
    private final List<Double> inputEmbeddings = new ArrayList<>();
    private final List<Double> embeddings = new ArrayList<>();

    /// Says which tokens of which layers are to be kept.
    @FunctionalInterface
    public interface Wanted {
        /// Says whether to keep what a layer does with the token at `position`.
        boolean test(int layer, int position);
    }

    /// @param spec the model that the session runs
    public Explainer(ModelSpec spec, Wanted wanted) {
        this.spec = spec;
        this.wanted = wanted;
    }

    @Override
    public void onEmbedding(boolean encoder, int firstPosition, Rows embedding) {
        for (int token = 0; token < embedding.count(); token++) {
            (encoder ? inputEmbeddings : embeddings).add(size(embedding.row(token)));
        }
    }

    @Override
    public void onMixture(Mixture mixture) {
        for (int token = 0; token < mixture.n(); token++) {
            if (wanted.test(mixture.layer(), mixture.firstPosition() + token)) {
                mixtures.add(explain(mixture, token));
            }
        }
    }

    /// Returns what was kept, token after token of each mixture, in the order in which these run.
    public List<TokenMixture> mixtures() {
        return mixtures.stream()
                .sorted(Comparator.comparingInt(TokenMixture::layer)
                        .thenComparing(mixture -> !mixture.ofHeads()) // attention comes first
                        .thenComparingInt(TokenMixture::position))
                .toList();
    }

    /// Returns the size of the row that a token enters the first layer as.
    ///
    /// @param encoder whether it is one of the encoder's
    public double embeddingSize(boolean encoder, int position) {
        return (encoder ? inputEmbeddings : embeddings).get(position);
    }

    private TokenMixture explain(Mixture mixture, int token) {
        Mixture.Gate gate = mixture.gate();
        float[] logits = gate.logits().row(token);
        float[] scores = Arrays.copyOfRange(gate.scores(), token * logits.length, (token + 1) * logits.length);
        float[] sum = mixture.parts().sum().row(token);
        return new TokenMixture(
                mixture.layer(),
                mixture.ofHeads(),
                mixture.firstPosition() + token,
                new TokenMixture.Gate(size(gate.input().row(token)), logits, scores, ranks(scores, gate.correction())),
                parts(mixture, token, sum),
                size(sum));
    }

    private List<Part> parts(Mixture mixture, int token, float[] sum) {
        Mixture.Gate gate = mixture.gate();
        Mixture.Parts summed = mixture.parts();
        int numExperts = numExperts(mixture);
        List<Part> parts = new ArrayList<>();
        for (int choice = token * gate.k(); choice < (token + 1) * gate.k(); choice++) {
            int id = gate.ids()[choice];
            double weight = gate.weights()[choice];
            if (id < 0) {
                parts.add(new Part(Kind.DROPPED, -1, 0, 0, 0, 0));
            } else {
                Kind kind = id < numExperts ? Kind.EXPERT : Kind.IDENTITY;
                double factor = summed.weighted() ? 1 : weight;
                float[] result =
                        weight == 0 ? new float[sum.length] : summed.results().row(choice); // else not written
                parts.add(part(kind, id, weight, factor, result, sum));
            }
        }
        if (summed.bias() != null) {
            parts.add(part(Kind.BIAS, -1, 1, 1, summed.bias(), sum));
        }
        if (summed.shared() != null) {
            double weight = sharedWeight(summed.sharedGate(), token);
            parts.add(part(Kind.SHARED, -1, weight, weight, summed.shared().row(token), sum));
        }
        return parts;
    }

    private static Part part(Kind kind, int id, double weight, double factor, float[] output, float[] sum) {
        double sumSquare = dot(sum, sum);
        double share = sumSquare == 0 ? 0 : factor * dot(output, sum) / sumSquare;
        return new Part(kind, id, weight, size(output), Math.abs(factor) * size(output), share);
    }

    private int numExperts(Mixture mixture) {
        LayerSpec layer = spec.layers().get(mixture.layer());
        return mixture.ofHeads()
                ? layer.blocks(MixtureOfHeadsSpec.class)
                        .findFirst()
                        .orElseThrow()
                        .experts()
                        .queries()
                        .size()
                : layer.moe().map(MoeSpec::numExperts).orElseThrow();
    }

    private static double sharedWeight(@Nullable Rows gate, int token) {
        return gate == null ? 1 : 1 / (1 + Math.exp(-gate.row(token)[0]));
    }

    private static float[] ranks(float[] scores, float @Nullable [] correction) {
        float[] ranks = scores.clone();
        for (int i = 0; correction != null && i < ranks.length; i++) {
            ranks[i] += correction[i];
        }
        return ranks;
    }

    private static double size(float[] x) {
        return Math.sqrt(dot(x, x));
    }

    private static double dot(float[] x, float[] y) {
        double sum = 0;
        for (int i = 0; i < x.length; i++) {
            sum += (double) x[i] * y[i];
        }
        return sum;
    }
}
