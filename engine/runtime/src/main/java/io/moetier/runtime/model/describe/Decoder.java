package io.moetier.runtime.model.describe;

import io.moetier.kernels.device.RopeTable;
import io.moetier.runtime.model.spec.HyperConnectionSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;

/// Describes a decoder-only model: what surrounds its layers.
public final class Decoder {
    private final FamilyConfig config;
    private String embedding = "model.embed_tokens";
    private String layerPrefix = "model.layers.";
    private Optional<NormSpec> finalNorm = Optional.empty();
    private float embeddingMultiplier = 1;
    private float logitsMultiplier = 1;
    private float softCap;
    private String head = "lm_head";
    private boolean headBias;
    private Optional<HyperConnectionSpec> streams = Optional.empty();
    private String numLayers = "num_hidden_layers";

    private Decoder(FamilyConfig config) {
        this.config = config;
    }

    /// Starts from what most families have: `model.embed_tokens`, `model.layers.N.`, `model.norm` and `lm_head`.
    public static Decoder of(FamilyConfig config) {
        return new Decoder(config);
    }

    /// Sets what the embedding is called, and what the names of layers start with before their number.
    public Decoder named(String newEmbedding, String newLayerPrefix) {
        embedding = newEmbedding;
        layerPrefix = newLayerPrefix;
        return this;
    }

    /// Puts `prefix` in front of all names.
    public Decoder prefixed(String prefix) {
        embedding = prefix + embedding;
        layerPrefix = prefix + layerPrefix;
        finalNorm = Optional.of(config.rms(prefix + "model.norm"));
        head = prefix + head;
        return this;
    }

    /// Sets the norm after the last layer.
    public Decoder finalNorm(NormSpec norm) {
        finalNorm = Optional.of(norm);
        return this;
    }

    /// Sets factors on what the embedding and the head give.
    public Decoder multipliers(float newEmbeddingMultiplier, float newLogitsMultiplier) {
        embeddingMultiplier = newEmbeddingMultiplier;
        logitsMultiplier = newLogitsMultiplier;
        return this;
    }

    /// Multiplies what the embedding gives by the root of its size (Yang et al. 2022, arXiv:2203.03466).
    public Decoder embeddingTimesRootOfSize(boolean multiplied) {
        return multiplied ? multipliers((float) Math.sqrt(config.hiddenSize()), logitsMultiplier) : this;
    }

    /// Limits the logits smoothly; 0 for no limit.
    public Decoder softCap(float limit) {
        softCap = limit;
        return this;
    }

    /// Sets the key that says how many layers there are.
    public Decoder numLayers(String key) {
        numLayers = key;
        return this;
    }

    /// Sets what the head is called.
    public Decoder head(String name) {
        head = name;
        return this;
    }

    /// Sets what makes one row of several residual streams, in front of the last norm.
    public Decoder streams(HyperConnectionSpec merger) {
        streams = Optional.of(merger);
        return this;
    }

    /// Says whether the head has a bias.
    public Decoder headBias(boolean biased) {
        headBias = biased;
        return this;
    }

    /// Describes the model with these layers.
    public ModelSpec layers(Function<Layer, LayerSpec> layers) {
        int vocabSize = config.positive("vocab_size");
        int hiddenSize = config.hiddenSize();
        LinearSpec table = LinearSpec.of(embedding + ".weight", vocabSize, hiddenSize);
        return new ModelSpec(
                config.family(),
                new ModelSpec.Sizes(hiddenSize, vocabSize, maxPositions()),
                new ModelSpec.Embedding(table, embeddingMultiplier, Optional.empty(), Optional.empty()),
                IntStream.range(0, config.numLayers(numLayers))
                        .mapToObj(layer -> layers.apply(new Layer(config, layer, layerPrefix + layer + ".")))
                        .toList(),
                finalNorm.orElseGet(() -> config.rms("model.norm")),
                new ModelSpec.Head(
                        config.flag("tie_word_embeddings")
                                ? headBias ? table.withBias(VectorSpec.of(head + ".bias", vocabSize)) : table
                                : LinearSpec.named(head, vocabSize, hiddenSize, headBias),
                        logitsMultiplier,
                        softCap,
                        streams),
                Optional.empty());
    }

    /// YaRN checkpoints may leave `max_position_embeddings` at the length they were trained for.
    private int maxPositions() {
        int written = config.positive("max_position_embeddings");
        return RopeReader.scaling(config.json())
                .filter(RopeTable.Yarn.class::isInstance)
                .map(RopeTable.Yarn.class::cast)
                .map(yarn -> (int) Math.clamp(yarn.factor() * yarn.originalPositions(), written, Limits.NUMBER))
                .orElse(written);
    }
}
