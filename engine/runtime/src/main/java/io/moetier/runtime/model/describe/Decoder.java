package io.moetier.runtime.model.describe;

import io.moetier.kernels.device.RopeTable;
import io.moetier.runtime.model.spec.HyperConnectionSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MtpSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.TensorSlice;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;

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
    private String mtpPrefix = "";
    private Optional<Function<Layer, LayerSpec>> mtpLayer = Optional.empty();

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

    /// Adds the layer for multi-token prediction, with norms around zero, if there is one: of more, each would need the
    /// result of the one before it.
    ///
    /// @param prefix what the names of its tensors and of those around it start with
    public Decoder mtp(String prefix, Function<Layer, LayerSpec> layer) {
        mtpPrefix = prefix;
        mtpLayer = Optional.of(layer)
                .filter(_ -> config.json().optionalInt("mtp_num_hidden_layers").orElse(0) == 1
                        && !config.flag("mtp_use_dedicated_embeddings"));
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
                Stream.concat(
                                IntStream.range(0, config.numLayers(numLayers))
                                        .mapToObj(layer ->
                                                layers.apply(new Layer(config, layer, layerPrefix + layer + "."))),
                                mtpLayer.stream().map(this::mtpLayer))
                        .toList(),
                finalNorm.orElseGet(() -> config.rms("model.norm")),
                new ModelSpec.Head(
                        config.flag("tie_word_embeddings")
                                ? headBias ? table.withBias(VectorSpec.of(head + ".bias", vocabSize)) : table
                                : LinearSpec.named(head, vocabSize, hiddenSize, headBias),
                        logitsMultiplier,
                        softCap,
                        streams,
                        mtpLayer.map(_ -> mtp(hiddenSize))),
                Optional.empty());
    }

    private LayerSpec mtpLayer(Function<Layer, LayerSpec> layer) {
        return layer.apply(new Layer(config, config.numLayers(numLayers), mtpPrefix + "layers.0."));
    }

    private MtpSpec mtp(int hiddenSize) {
        return new MtpSpec(
                config.zeroCentredRms(mtpPrefix + "pre_fc_norm_embedding", hiddenSize),
                config.zeroCentredRms(mtpPrefix + "pre_fc_norm_hidden", hiddenSize),
                mtpHalf("embedding", 0, hiddenSize),
                mtpHalf("hidden", hiddenSize, hiddenSize),
                config.zeroCentredRms(mtpPrefix + "norm", hiddenSize));
    }

    /// A matrix has the columns of embeddings, and behind them those of hidden states.
    private LinearSpec mtpHalf(String what, int firstColumn, int hiddenSize) {
        String whole = mtpPrefix + "fc.weight";
        List<Long> shape = List.of((long) hiddenSize, 2L * hiddenSize);
        return LinearSpec.of(whole + "." + what, hiddenSize, hiddenSize)
                .at(new TensorSlice(whole, shape, firstColumn, 2L * hiddenSize, 1, Integer.MAX_VALUE, 0));
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
