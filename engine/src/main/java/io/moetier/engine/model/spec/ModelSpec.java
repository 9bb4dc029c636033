package io.moetier.engine.model.spec;

import java.util.ArrayList;
import java.util.List;

/// A decoder-only model: embedding, layers, final norm, head.
///
/// @param family the checkpoint's `model_type`
/// @param embedding [vocabSize, hiddenSize]
/// @param head [vocabSize, hiddenSize]; the embedding itself when tied
public record ModelSpec(
        String family,
        int hiddenSize,
        int vocabSize,
        int maxPositionEmbeddings,
        LinearSpec embedding,
        List<LayerSpec> layers,
        NormSpec finalNorm,
        LinearSpec head) {
    public ModelSpec {
        layers = List.copyOf(layers);
    }

    /// Says whether the head is the embedding.
    public boolean tiedEmbeddings() {
        return head.weight().equals(embedding.weight());
    }

    /// Returns every matrix outside the routed experts, each once.
    public List<LinearSpec> denseLinears() {
        List<LinearSpec> linears = new ArrayList<>();
        linears.add(embedding);
        for (LayerSpec layer : layers) {
            AttentionSpec attention = layer.attention();
            linears.addAll(List.of(attention.query(), attention.key(), attention.value(), attention.output()));
            switch (layer.feedForward()) {
                case DenseSpec dense -> linears.addAll(List.of(dense.gate(), dense.up(), dense.down()));
                case MoeSpec moe -> {
                    linears.add(moe.router());
                    moe.sharedExpert()
                            .ifPresent(shared -> linears.addAll(List.of(
                                    shared.ffn().gate(),
                                    shared.ffn().up(),
                                    shared.ffn().down(),
                                    shared.gate())));
                }
            }
        }
        if (!tiedEmbeddings()) {
            linears.add(head);
        }
        return linears;
    }

    /// Returns the matrices that stay in the checkpoint's precision whatever the quantisation: routers and the gates
    /// of shared experts, which are small and decide which experts run.
    public List<LinearSpec> routingLinears() {
        List<LinearSpec> linears = new ArrayList<>();
        for (LayerSpec layer : layers) {
            if (layer.feedForward() instanceof MoeSpec moe) {
                linears.add(moe.router());
                moe.sharedExpert().ifPresent(shared -> linears.add(shared.gate()));
            }
        }
        return linears;
    }

    /// Returns every norm, each once.
    public List<NormSpec> norms() {
        List<NormSpec> norms = new ArrayList<>();
        for (LayerSpec layer : layers) {
            norms.add(layer.attentionNorm());
            norms.add(layer.feedForwardNorm());
            layer.attention().qkNorm().ifPresent(qk -> norms.addAll(List.of(qk.query(), qk.key())));
        }
        norms.add(finalNorm);
        return norms;
    }

    /// Returns the parameters of the whole model.
    public long totalParameters() {
        return denseParameters()
                + moeLayers().stream()
                        .flatMap(moe -> moe.experts().stream())
                        .mapToLong(DenseSpec::numParameters)
                        .sum();
    }

    /// Returns the parameters that one token uses: all but the experts it is not sent to.
    public long activeParameters() {
        return denseParameters()
                + moeLayers().stream()
                        .mapToLong(moe -> moe.numExpertsPerToken()
                                * moe.experts().getFirst().numParameters())
                        .sum();
    }

    /// Returns the mixtures of experts in layer order.
    public List<MoeSpec> moeLayers() {
        return layers.stream()
                .map(LayerSpec::feedForward)
                .filter(MoeSpec.class::isInstance)
                .map(MoeSpec.class::cast)
                .toList();
    }

    private long denseParameters() {
        return denseLinears().stream().mapToLong(LinearSpec::numParameters).sum()
                + norms().stream().mapToLong(NormSpec::size).sum();
    }
}
