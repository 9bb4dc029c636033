package io.moetier.lab.throughput;

import io.moetier.runtime.metrics.Section;
import io.moetier.runtime.model.spec.AttentionSpec;
import io.moetier.runtime.model.spec.CompressedAttentionSpec;
import io.moetier.runtime.model.spec.DenseSpec;
import io.moetier.runtime.model.spec.LatentAttentionSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.MixerSpec;
import io.moetier.runtime.model.spec.MixtureOfHeadsSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.model.spec.RecurrentSpec;
import io.moetier.runtime.model.spec.SequenceAttentionSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.session.Engine;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/// The work of a model's parts: which bytes of weights, keys and values are read and how many operations are done, by
/// its description.
///
/// It is a lower bound: activations, states of recurrences, norms and what attention other than that with keys and
/// values of all heads does with its cache are left out.
///
/// @param keyValueBytes of an element of keys and values
public record ModelWork(ModelSpec spec, Weights weights, int keyValueBytes) {
    private static final int MULTIPLY_AND_ADD = 2;

    /// How many bytes weights take, without what fills them up to whole pages.
    public interface Weights {
        /// Returns the bytes of a matrix outside the experts.
        long bytes(LinearSpec linear);

        /// Returns the bytes of the smallest expert of a layer.
        long expertBytes(int layer);
    }

    /// Tokens that are computed together, or one after another.
    ///
    /// @param tokens of a pass, or one
    /// @param before tokens in front of them
    public record Pass(int tokens, double before) {
        private double passes() {
            return Math.ceilDiv(tokens, Engine.BATCH);
        }

        private double pairs(double most) {
            double pairs = tokens * (before + (tokens + 1) / 2.0);
            return Math.min(pairs, tokens * most);
        }

        private double keys(double most) {
            return passes() * Math.min(before + tokens, most + tokens - 1);
        }
    }

    /// Returns what a part that belongs to a section, and to a layer if the section does, is called for people.
    public String kind(Section section, int layer) {
        return switch (section) {
            case EMBEDDING, HEAD -> "embedding and logits";
            case ROUTER -> "routers";
            case EXPERTS -> "experts";
            case WAIT, NODES -> Parts.WAITS;
            case FEED_FORWARD -> "dense networks";
            case ATTENTION -> mixer(layer).map(ModelWork::kind).orElse("attention");
        };
    }

    private static String kind(MixerSpec mixer) {
        return switch (mixer) {
            case AttentionSpec attention ->
                attention.mask().slidingWindow() > 0 ? "attention in a window" : "attention";
            case MixtureOfHeadsSpec _ -> "mixtures of heads";
            case LatentAttentionSpec _ -> "latent attention";
            case CompressedAttentionSpec _ -> "compressed attention";
            case SequenceAttentionSpec _ -> "attention";
            case RecurrentSpec _ -> "recurrences";
        };
    }

    /// Returns the work of everything but the experts that are chosen.
    public Work dense(Section section, int layer, Pass pass) {
        return switch (section) {
            case EMBEDDING, WAIT, NODES -> Work.NONE;
            case HEAD -> linears(List.of(spec.head().linear()), 1, 1);
            case ROUTER ->
                mixture(layer).map(moe -> linears(moe.routingLinears(), pass)).orElse(Work.NONE);
            case EXPERTS -> mixture(layer).map(moe -> beside(moe, pass)).orElse(Work.NONE);
            case FEED_FORWARD ->
                spec.layers()
                        .get(layer)
                        .blocks(DenseSpec.class)
                        .map(dense -> linears(dense.linears(), pass))
                        .reduce(Work.NONE, Work::plus);
            case ATTENTION -> mixer(layer).map(mixer -> attention(mixer, pass)).orElse(Work.NONE);
        };
    }

    /// Returns the work of experts of a layer.
    ///
    /// @param read how many experts are read, each once for all tokens that were sent to it
    /// @param applied how many times an expert was applied to a token
    public Work experts(int layer, double read, double applied) {
        double parameters = mixture(layer)
                .map(moe -> (double) moe.experts().getFirst().numParameters())
                .orElse(0.0);
        double bytes = parameters == 0 ? 0 : weights.expertBytes(layer);
        return new Work(read * bytes, MULTIPLY_AND_ADD * applied * parameters, 0, 0);
    }

    private Work beside(MoeSpec moe, Pass pass) {
        Work all = linears(moe.linears(), pass);
        Work routing = linears(moe.routingLinears(), pass);
        return new Work(all.bytes() - routing.bytes(), all.operations() - routing.operations(), 0, 0);
    }

    private Work attention(MixerSpec mixer, Pass pass) {
        Work matrices = linears(mixer.linears(), pass);
        if (!(mixer instanceof AttentionSpec attention)) {
            return matrices;
        }
        int window = attention.mask().slidingWindow();
        double most = window == 0 ? Double.MAX_VALUE : window;
        double ofHead = (double) attention.headDim() + attention.valueDim();
        return matrices.plus(new Work(
                attention.numKeyValueHeads() * ofHead * keyValueBytes * pass.keys(most),
                MULTIPLY_AND_ADD * attention.heads().numHeads() * ofHead * pass.pairs(most),
                0,
                0));
    }

    private Work linears(Collection<LinearSpec> linears, Pass pass) {
        return linears(linears, pass.passes(), pass.tokens());
    }

    private Work linears(Collection<LinearSpec> linears, double passes, double tokens) {
        double bytes = linears.stream().mapToLong(weights::bytes).sum();
        double parameters =
                linears.stream().mapToLong(LinearSpec::numParameters).sum();
        return new Work(passes * bytes, MULTIPLY_AND_ADD * tokens * parameters, 0, 0);
    }

    private Optional<MoeSpec> mixture(int layer) {
        return spec.layers().get(layer).moe();
    }

    private Optional<MixerSpec> mixer(int layer) {
        LayerSpec of = spec.layers().get(layer);
        return of.blocks(MixerSpec.class).findFirst();
    }
}
