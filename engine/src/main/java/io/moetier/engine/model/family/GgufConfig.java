package io.moetier.engine.model.family;

import io.moetier.engine.model.describe.Limits;
import io.moetier.engine.model.family.Family.GgufRule;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.format.RawTensor;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Writes the `config.json` that a GGUF file was made from, as far as it decides what is computed.
///
/// Most values are the metadata's under another name. The rest shows in the tensors: the size of the vocabulary,
/// which layers are dense, whether there are biases and a head of its own.
final class GgufConfig {
    /// A key of `config.json`, and what it is called in the metadata after the architecture and a point.
    private record Key(String config, String gguf) {}

    private static final List<Key> REQUIRED = List.of(
            new Key("hidden_size", "embedding_length"),
            new Key("num_attention_heads", "attention.head_count"),
            new Key("max_position_embeddings", "context_length"),
            new Key("num_experts_per_tok", "expert_used_count"));

    private static final List<Key> WIDTHS = List.of(
            new Key("intermediate_size", "feed_forward_length"),
            new Key("moe_intermediate_size", "expert_feed_forward_length"),
            new Key("shared_expert_intermediate_size", "expert_shared_feed_forward_length"));

    private static final List<Key> OPTIONAL = List.of(
            new Key("num_key_value_heads", "attention.head_count_kv"),
            new Key("head_dim", "attention.key_length"),
            new Key("sliding_window", "attention.sliding_window"));

    /// What only families that are not here have, and the value that changes nothing.
    private record Neutral(String gguf, double value) {}

    private static final List<Neutral> UNSUPPORTED = List.of(
            new Neutral("expert_gating_func", 1), // softmax
            new Neutral("expert_weights_scale", 1),
            new Neutral("attention.scale", 0),
            new Neutral("rope.scale_linear", 1),
            new Neutral("rope.scaling.attn_factor", 1),
            new Neutral("rope.scaling.yarn_log_multiplier", 0));

    private static final double DEFAULT_THETA = 10_000;

    private final Family family;
    private final GgufRule rule;
    private final JsonObject metadata;
    private final Map<String, RawTensor> tensors;
    private final Map<String, Object> config = new LinkedHashMap<>();

    GgufConfig(Family family, GgufRule rule, JsonObject metadata, Map<String, RawTensor> tensors) {
        this.family = family;
        this.rule = rule;
        this.metadata = metadata;
        this.tensors = tensors;
    }

    JsonObject read() {
        config.put("model_type", family.modelType());
        int experts = numExperts();
        int layers = numLayers();
        requireAtMost("expert_count", Limits.expertsOfLayer(layers), experts);
        config.put("num_experts", experts);
        config.put("num_hidden_layers", layers);
        REQUIRED.forEach(key -> config.put(key.config(), metadata.requireInt(key(key.gguf()))));
        config.put("num_key_value_heads", config.get("num_attention_heads"));
        putIfPresent(OPTIONAL);
        putIfPresent(WIDTHS);
        rule.widths().forEach(this::requireWidth);
        config.put("rms_norm_eps", metadata.requireDouble(key("attention.layer_norm_rms_epsilon")));
        config.put("rope_theta", metadata.optionalDouble(key("rope.freq_base")).orElse(DEFAULT_THETA));
        metadata.optionalDouble(key("attention.clamp_kqv")).ifPresent(clip -> config.put("clip_qkv", clip));
        config.put(
                "norm_topk_prob",
                metadata.optionalBoolean(key("expert_weights_norm")).orElse(rule.normTopkProb()));
        requireKnownArithmetic();
        putScaling();
        putWhatTensorsTell();
        return Json.parseObject(Json.write(config).getBytes(StandardCharsets.UTF_8), metadata.source());
    }

    private int numExperts() {
        int experts = metadata.optionalInt(key("expert_count")).orElse(0);
        if (experts < 1) {
            throw metadata.unexpected(
                    key("expert_count"), "a model with experts; those without are not supported", experts);
        }
        return experts;
    }

    /// Each layer has tensors of its own.
    private int numLayers() {
        int layers = metadata.requireInt(key("block_count"));
        requireAtMost("block_count", Math.min(tensors.size(), Limits.LAYERS), layers);
        return layers;
    }

    private void requireAtMost(String key, int most, int found) {
        if (found < 1 || found > most) {
            throw metadata.unexpected(key(key), "1 to " + most, found);
        }
    }

    private void putIfPresent(List<Key> keys) {
        keys.forEach(key -> metadata.optionalInt(key(key.gguf())).ifPresent(value -> config.put(key.config(), value)));
    }

    private void requireWidth(String name) {
        WIDTHS.stream().filter(key -> key.config().equals(name)).forEach(key -> metadata.requireInt(key(key.gguf())));
    }

    private void requireKnownArithmetic() {
        for (Neutral neutral : UNSUPPORTED) {
            String key = key(neutral.gguf());
            double value = metadata.optionalDouble(key).orElse(neutral.value());
            if (value != neutral.value()) {
                throw metadata.unexpected(key, neutral.value() + ", since no other is supported", value);
            }
        }
        int headDim = metadata.optionalInt(key("attention.key_length"))
                .orElseGet(() -> (int) config("hidden_size") / Math.max(1, (int) config("num_attention_heads")));
        for (String key : List.of("rope.dimension_count", "attention.value_length")) {
            int found = metadata.optionalInt(key(key)).orElse(headDim);
            if (found != headDim) {
                throw metadata.unexpected(key(key), headDim + ", the size of a head", found);
            }
        }
    }

    private void putScaling() {
        String key = key("rope.scaling.type");
        String type = metadata.optionalString(key).orElse("none");
        switch (type) {
            case "none" -> {}
            case "yarn" -> config.put("rope_scaling", yarn());
            default -> throw metadata.unexpected(key, "none or yarn, since no other is supported", type);
        }
    }

    private Map<String, Object> yarn() {
        Map<String, Object> yarn = new LinkedHashMap<>();
        yarn.put("rope_type", "yarn");
        yarn.put("factor", metadata.requireDouble(key("rope.scaling.factor")));
        metadata.optionalInt(key("rope.scaling.original_context_length"))
                .ifPresent(positions -> yarn.put("original_max_position_embeddings", positions));
        for (String beta : List.of("beta_fast", "beta_slow")) {
            metadata.optionalDouble(key("rope.scaling.yarn_" + beta)).ifPresent(value -> yarn.put(beta, value));
        }
        return yarn;
    }

    private void putWhatTensorsTell() {
        @Nullable RawTensor embedding = tensors.get("token_embd.weight");
        if (embedding != null) {
            config.put("vocab_size", embedding.shape().getFirst());
        }
        config.put("tie_word_embeddings", !tensors.containsKey("output.weight"));
        config.put("qkv_bias", tensors.containsKey("blk.0.attn_q.bias"));
        config.put("attention_bias", tensors.containsKey("blk.0.attn_output.bias"));
        config.put(
                "mlp_only_layers",
                IntStream.range(0, (int) config("num_hidden_layers"))
                        .filter(layer -> tensors.containsKey("blk." + layer + ".ffn_gate.weight"))
                        .boxed()
                        .toList());
    }

    private Object config(String name) {
        @Nullable Object value = config.get(name);
        if (value == null) {
            throw new IllegalStateException(name + " has not been read yet");
        }
        return value;
    }

    private String key(String suffix) {
        return rule.architecture() + "." + suffix;
    }
}
