package io.moetier.engine.model.family;

import io.moetier.engine.model.spec.AttentionSpec;
import io.moetier.engine.model.spec.DenseSpec;
import io.moetier.engine.model.spec.FeedForwardSpec;
import io.moetier.engine.model.spec.LayerSpec;
import io.moetier.engine.model.spec.LinearSpec;
import io.moetier.engine.model.spec.ModelSpec;
import io.moetier.engine.model.spec.MoeSpec;
import io.moetier.engine.model.spec.NormSpec;
import io.moetier.engine.model.spec.QkNormSpec;
import io.moetier.engine.model.spec.RopeSpec;
import io.moetier.engine.model.spec.SharedExpertSpec;
import io.moetier.storage.format.JsonObject;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// Puts a [ModelSpec] together from a family's description and one checkpoint's `config.json`.
final class SpecAssembly {
    private final Family family;
    private final JsonObject config;
    private final int hiddenSize;
    private final int numHeads;
    private final int numKeyValueHeads;
    private final int headDim;
    private final int numLayers;
    private final float eps;
    private final RopeSpec rope;

    SpecAssembly(Family family, JsonObject config) {
        this.family = family;
        this.config = config;
        hiddenSize = positive("hidden_size");
        numHeads = positive("num_attention_heads");
        numKeyValueHeads = keyValueHeads();
        if (numHeads % numKeyValueHeads != 0) {
            throw config.unexpected("num_key_value_heads", "a divisor of " + numHeads, numKeyValueHeads);
        }
        headDim = config.has("head_dim") ? positive("head_dim") : hiddenSize / numHeads;
        numLayers = atMost(Limits.LAYERS, "num_hidden_layers");
        eps = (float) config.optionalDouble("rms_norm_eps")
                .orElse(family.defaults().rmsNormEps())
                .doubleValue();
        if (headDim % 2 != 0) {
            throw config.unexpected("head_dim", "an even number, as rotary positions need", headDim);
        }
        rope = RopeReader.read(config, headDim, family.defaults().ropeTheta());
        config.optionalString("hidden_act").filter(act -> !act.equals("silu")).ifPresent(act -> {
            throw config.unexpected("hidden_act", "silu", act);
        });
    }

    ModelSpec model() {
        int vocabSize = positive("vocab_size");
        LinearSpec embedding = LinearSpec.of("model.embed_tokens.weight", vocabSize, hiddenSize);
        boolean tied = config.optionalBoolean("tie_word_embeddings").orElse(false);
        return new ModelSpec(
                family.modelType(),
                hiddenSize,
                vocabSize,
                maxPositions(),
                embedding,
                IntStream.range(0, numLayers).mapToObj(this::layer).toList(),
                norm("model.norm", hiddenSize),
                tied ? embedding : LinearSpec.of("lm_head.weight", vocabSize, hiddenSize));
    }

    private int keyValueHeads() {
        if (config.has("num_key_value_heads")) {
            return positive("num_key_value_heads");
        }
        int byDefault = family.defaults().numKeyValueHeads();
        return byDefault == 0 ? numHeads : byDefault;
    }

    /// YaRN checkpoints may leave `max_position_embeddings` at the length they were trained for.
    private int maxPositions() {
        int written = positive("max_position_embeddings");
        return rope.yarn()
                .map(yarn -> (int) Math.max(written, yarn.factor() * yarn.originalPositions()))
                .orElse(written);
    }

    private LayerSpec layer(int layer) {
        String prefix = "model.layers." + layer + ".";
        return new LayerSpec(
                norm(prefix + "input_layernorm", hiddenSize),
                attention(layer, prefix + "self_attn."),
                norm(prefix + "post_attention_layernorm", hiddenSize),
                feedForward(layer, prefix));
    }

    private AttentionSpec attention(int layer, String prefix) {
        Family.AttentionRule rule = family.attention();
        int queryWidth = numHeads * headDim;
        int keyWidth = numKeyValueHeads * headDim;
        boolean biased = rule.qkvBias().in(config);
        return new AttentionSpec(
                LinearSpec.named(prefix + "q_proj", queryWidth, hiddenSize, biased),
                LinearSpec.named(prefix + "k_proj", keyWidth, hiddenSize, biased),
                LinearSpec.named(prefix + "v_proj", keyWidth, hiddenSize, biased),
                LinearSpec.named(
                        prefix + "o_proj",
                        hiddenSize,
                        queryWidth,
                        rule.outputBias().in(config)),
                numHeads,
                numKeyValueHeads,
                headDim,
                (float) (1 / Math.sqrt(headDim)),
                slidingWindow(layer),
                (float) config.optionalDouble("clip_qkv").orElse(0.0).doubleValue(),
                qkNorm(rule.qkNorm(), prefix),
                rope);
    }

    private Optional<QkNormSpec> qkNorm(Family.QkNorm rule, String prefix) {
        boolean perHead = rule == Family.QkNorm.PER_HEAD;
        return rule == Family.QkNorm.NONE
                ? Optional.empty()
                : Optional.of(new QkNormSpec(
                        norm(prefix + "q_norm", perHead ? headDim : numHeads * headDim),
                        norm(prefix + "k_norm", perHead ? headDim : numKeyValueHeads * headDim),
                        perHead));
    }

    private int slidingWindow(int layer) {
        int window = config.optionalInt("sliding_window").orElse(0);
        if (window < 0) {
            throw config.unexpected("sliding_window", "0 or more", window);
        }
        Optional<List<String>> layerTypes = config.optionalStrings("layer_types");
        boolean used = config.optionalBoolean("use_sliding_window").orElse(false);
        boolean holds = switch (family.attention().window()) {
            case ALWAYS -> true;
            case IF_USED -> used;
            case IF_USED_ALTERNATING ->
                used
                        && layerTypes
                                .map(types -> isSliding(types, layer))
                                .orElseGet(() -> layer % 2 == 0 && layer < maxWindowLayers());
            case NEVER -> false;
        };
        return holds ? window : 0;
    }

    private int maxWindowLayers() {
        int byDefault = family.defaults().maxWindowLayers();
        return config.optionalInt("max_window_layers").orElse(byDefault == 0 ? numLayers : byDefault);
    }

    private boolean isSliding(List<String> layerTypes, int layer) {
        if (layerTypes.size() != numLayers) {
            throw config.unexpected("layer_types", numLayers + " entries", layerTypes.size());
        }
        return layerTypes.get(layer).equals("sliding_attention");
    }

    private FeedForwardSpec feedForward(int layer, String prefix) {
        return isDense(layer)
                ? swiGlu(prefix + "mlp", Family.Projections.HUGGING_FACE, positive("intermediate_size"))
                : moe(prefix);
    }

    private boolean isDense(int layer) {
        if (family.dense() == Family.DenseRule.NONE) {
            return false;
        }
        int step = config.has("decoder_sparse_step") ? positive("decoder_sparse_step") : 1;
        return (layer + 1) % step != 0
                || config.optionalInts("mlp_only_layers").orElse(List.of()).contains(layer);
    }

    private MoeSpec moe(String prefix) {
        Family.MoeRule rule = family.moe();
        // transformers 5 writes num_local_experts where version 4 wrote num_experts
        int numExperts = atMost(
                Limits.expertsOfLayer(numLayers), config.has("num_experts") ? "num_experts" : "num_local_experts");
        int numExpertsPerToken = positive("num_experts_per_tok");
        if (numExpertsPerToken > numExperts) {
            throw config.unexpected("num_experts_per_tok", "at most " + numExperts + " experts", numExpertsPerToken);
        }
        int width = positive(rule.widthKey());
        return new MoeSpec(
                LinearSpec.named(prefix + rule.router(), numExperts, hiddenSize, false),
                numExpertsPerToken,
                rule.normTopkProb().in(config),
                IntStream.range(0, numExperts)
                        .mapToObj(expert -> swiGlu(
                                prefix + rule.expert().replace("{expert}", String.valueOf(expert)),
                                rule.projections(),
                                width))
                        .toList(),
                rule.shared().map(shared -> shared(prefix, shared)));
    }

    private SharedExpertSpec shared(String prefix, Family.SharedRule rule) {
        return new SharedExpertSpec(
                swiGlu(prefix + rule.prefix(), rule.projections(), positive(rule.widthKey())),
                LinearSpec.named(prefix + rule.gate(), 1, hiddenSize, false));
    }

    private DenseSpec swiGlu(String prefix, Family.Projections names, int width) {
        return new DenseSpec(
                LinearSpec.named(prefix + "." + names.gate(), width, hiddenSize, false),
                LinearSpec.named(prefix + "." + names.up(), width, hiddenSize, false),
                LinearSpec.named(prefix + "." + names.down(), hiddenSize, width, false));
    }

    private NormSpec norm(String prefix, int size) {
        return new NormSpec(prefix + ".weight", size, eps);
    }

    private int atMost(int most, String key) {
        int value = positive(key);
        if (value > most) {
            throw config.unexpected(key, "at most " + most, value);
        }
        return value;
    }

    private int positive(String key) {
        int value = config.requireInt(key);
        if (value < 1) {
            throw config.unexpected(key, "a positive integer", value);
        }
        return value;
    }
}
