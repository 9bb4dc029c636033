package io.moetier.runtime.model.gguf;

import io.moetier.runtime.model.describe.Limits;
import io.moetier.runtime.model.gguf.GgufRule.Value;
import io.moetier.storage.format.GgufParts;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.format.RawTensor;
import io.moetier.storage.model.MalformedModelException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Writes the `config.json` that a GGUF file was made from, as far as it decides what is computed.
///
/// Most values are the metadata's under another name. The rest shows in the tensors: the size of the vocabulary,
/// which layers are dense, whether there are biases and a head of its own.
final class GgufConfig {
    private static final List<Value> USUAL = List.of(
            new Value("hidden_size", "embedding_length", true),
            new Value("num_attention_heads", "attention.head_count", true),
            new Value("max_position_embeddings", "context_length", true),
            new Value("num_experts_per_tok", "expert_used_count", true),
            new Value("head_dim", "attention.key_length", false),
            new Value("sliding_window", "attention.sliding_window", false),
            new Value("intermediate_size", "feed_forward_length", false),
            new Value("clip_qkv", "attention.clamp_kqv", false));

    /// What only families that are not here have, and the value that changes nothing.
    private record Neutral(String gguf, double value) {}

    /// Where one is 0, as in files that llama.cpp itself saved, there is none: the keys of factors that are 1 unless a
    /// file says otherwise.
    private static final Set<String> FACTORS =
            Set.of("expert_weights_scale", "embedding_scale", "residual_scale", "logit_scale", "attention.value_scale");

    private static final List<Neutral> UNSUPPORTED = List.of(
            new Neutral("expert_weights_scale", 1),
            new Neutral("embedding_scale", 1),
            new Neutral("residual_scale", 1),
            new Neutral("logit_scale", 1),
            new Neutral("attention.scale", 0),
            new Neutral("attention.value_scale", 1),
            new Neutral("attention.temperature_scale", 0),
            new Neutral("swiglu_clamp_exp", 0),
            new Neutral("rope.scale_linear", 1),
            new Neutral("rope.scaling.yarn_log_multiplier", 0));

    private static final double DEFAULT_THETA = 10_000;
    private static final String SECTIONS = "rope.dimension_sections";
    private static final String ROTATED = "rope.dimension_count";
    private static final int AXES = 3;

    private final String modelType;
    private final GgufRule rule;
    private final GgufParts parts;
    private final JsonObject metadata;
    private final Map<String, RawTensor> tensors;
    private final Map<String, Object> config = new LinkedHashMap<>();

    GgufConfig(String modelType, GgufRule rule, GgufParts parts) {
        this.modelType = modelType;
        this.rule = rule;
        this.parts = parts;
        this.metadata = parts.metadata();
        this.tensors = parts.tensors();
    }

    JsonObject read() {
        config.put("model_type", modelType);
        int experts = numExperts();
        int layers = numLayers();
        requireAtMost("expert_count", Limits.expertsOfLayer(layers), experts);
        config.put("num_experts", experts);
        config.put("num_hidden_layers", layers);
        config.putAll(rule.constants());
        GgufWindows windows = new GgufWindows(rule, parts);
        List<Value> usual = USUAL.stream()
                .filter(value -> !(windows.listsHeads() && value.gguf().equals(GgufWindows.HEADS)))
                .toList();
        usual.stream()
                .filter(Value::required)
                .forEach(value -> requireAtMost(value.gguf(), Limits.NUMBER, metadata.requireInt(key(value.gguf()))));
        usual.forEach(this::put);
        rule.values().forEach(this::put);
        if (!windows.put(layers, config)) {
            putHeads(layers);
        }
        putParts();
        config.put("rms_norm_eps", eps());
        config.put("rope_theta", metadata.optionalDouble(key("rope.freq_base")).orElse(DEFAULT_THETA));
        putSections();
        requireKnownArithmetic();
        GgufRope rope = new GgufRope(rule, parts);
        if (windows.areSaid()) {
            config.put("rope_parameters", windows.rotations(rope));
        } else {
            rope.scaling(config).ifPresent(scaling -> config.put("rope_scaling", scaling));
        }
        config.keySet().removeAll(List.of("mscale_tenth", GgufRope.TEMPERATURE, GgufRope.TEMPERATURE_POSITIONS));
        putWhatTensorsTell();
        return Json.parseObject(Json.write(config).getBytes(StandardCharsets.UTF_8), metadata.source())
                .spelled(spellings());
    }

    /// Returns what the file calls the keys whose values are its metadata's.
    private Map<String, String> spellings() {
        Map<String, String> names = new HashMap<>(Map.of(
                "num_key_value_heads", key("attention.head_count_kv"),
                "num_experts", key("expert_count"),
                "num_hidden_layers", key("block_count"),
                "rope_theta", key("rope.freq_base"),
                "mrope_section", key(SECTIONS),
                "rms_norm_eps", key("attention.layer_norm_rms_epsilon"),
                "vocab_size", "tensor token_embd.weight: rows"));
        Stream.concat(USUAL.stream(), rule.values().stream())
                .forEach(value -> names.put(value.config(), key(value.gguf())));
        names.putAll(GgufWindows.spellings(rule));
        return names;
    }

    private int numExperts() {
        int experts = metadata.optionalInt(key("expert_count")).orElse(0);
        if (experts < 1) {
            throw metadata.unexpected(
                    key("expert_count"), "a model with experts; those without are not supported", experts);
        }
        return experts;
    }

    /// Each layer has tensors of its own; those that guess more tokens than the next one come last.
    private int numLayers() {
        if (tensors.isEmpty()) {
            throw MalformedModelException.of(metadata.source(), "tensors", "the weights of a model", "none");
        }
        int blocks = metadata.requireInt(key("block_count"));
        requireAtMost("block_count", Math.min(tensors.size(), Limits.LAYERS), blocks);
        int guessing = metadata.optionalInt(key("nextn_predict_layers")).orElse(0);
        if (guessing < 0 || guessing >= blocks) {
            throw metadata.unexpected(
                    key("nextn_predict_layers"), blocks == 1 ? "0" : "0 to " + (blocks - 1), guessing);
        }
        return isWithoutGuessing(blocks - guessing) ? blocks : blocks - guessing;
    }

    /// DeepSeek-V4's files may say how many layers guess although all they have are the model's own.
    private boolean isWithoutGuessing(int firstGuessing) {
        return rule.reads(GgufLayers.RATIOS) && !tensors.containsKey("blk." + firstGuessing + ".nextn.eh_proj.weight");
    }

    /// Puts what the metadata gives only together with something else.
    private void putParts() {
        if (config.remove("qk_head_dim") instanceof Integer whole
                && config.get("qk_rope_head_dim") instanceof Integer rotated) {
            config.put("qk_nope_head_dim", whole - rotated);
        }
        if (config.remove("ssm_inner_size") instanceof Integer inner) {
            if (config.get("linear_num_value_heads") instanceof Integer heads) {
                config.put("linear_value_head_dim", inner / Math.max(1, heads));
            } else if (config.get("mamba_num_heads") instanceof Integer heads) {
                config.put("mamba_head_dim", inner / Math.max(1, heads));
            } else if (config.get("hidden_size") instanceof Integer hidden) {
                config.put("mamba_expand", inner / Math.max(1, hidden));
            }
        }
        if (config.remove("shared_experts_width") instanceof Integer all
                && config.get("moe_intermediate_size") instanceof Integer one) {
            putSharedExperts(all, Math.max(1, one));
        }
        if (config.remove("rotated") instanceof Boolean rotated) {
            config.put("position_embedding_type", rotated ? "rope" : "nope");
        }
        if (config.get("n_group") instanceof Integer groups && groups > 1) {
            config.put("topk_method", "group_limited_greedy");
        }
    }

    /// Files give the width of all together.
    private void putSharedExperts(int all, int one) {
        if (all % one != 0) {
            throw metadata.unexpected(
                    key("expert_shared_feed_forward_length"), "a multiple of " + one + ", the width of an expert", all);
        }
        config.put("num_shared_experts", all / one);
    }

    /// There is one number of heads of keys for all layers, or one for each, 0 for recurrent ones.
    private void putHeads(int layers) {
        String key = key("attention.head_count_kv");
        List<Integer> heads =
                metadata.optionalInts(key).orElseGet(() -> List.of(metadata.requireInt(key("attention.head_count"))));
        config.put("num_key_value_heads", heads.stream().reduce(0, Math::max));
        if (heads.size() == 1) {
            config.remove("layer_types");
            return;
        }
        requireOfLayers(key, layers, heads.size());
        if (config.get("layer_types") instanceof List<?> names) {
            config.put(
                    "layer_types",
                    heads.stream()
                            .limit(layers)
                            .map(count -> count > 0 ? names.getFirst() : names.getLast())
                            .toList());
        }
        putPeriod("attn_layer", layers, layer -> heads.get(layer) > 0);
        putPeriod("expert_layer", layers, layer -> tensors.containsKey("blk." + layer + ".ffn_gate_inp.weight"));
    }

    /// There may be a number for each layer that guesses more tokens, too.
    private void requireOfLayers(String key, int layers, int found) {
        if (found != layers && found != metadata.requireInt(key("block_count"))) {
            throw metadata.unexpected(key, "one number for each of " + layers + " layers", found);
        }
    }

    private void putPeriod(String key, int layers, IntPredicate chosen) {
        int[] numbers = IntStream.range(0, layers).filter(chosen).limit(2).toArray();
        if (numbers.length > 0) {
            config.put(key + "_offset", numbers[0]);
            config.put(key + "_period", numbers.length > 1 ? numbers[1] - numbers[0] : layers);
        }
    }

    /// Pairs that are rotated by time, height and width of an image's place; a fourth number is of nothing.
    private void putSections() {
        String key = key(SECTIONS);
        List<Integer> pairs = metadata.optionalInts(key).orElse(List.of());
        if (pairs.stream().skip(AXES).anyMatch(others -> others != 0)) {
            throw metadata.unexpected(key, AXES + " numbers", pairs);
        }
        if (!pairs.isEmpty()) {
            config.put("mrope_section", pairs.stream().limit(AXES).toList());
        }
    }

    private double eps() {
        return metadata.optionalDouble(key("attention.layer_norm_rms_epsilon"))
                .or(() -> metadata.optionalDouble(key("attention.layer_norm_epsilon")))
                .orElseGet(() -> metadata.requireDouble(key("attention.layer_norm_rms_epsilon")));
    }

    private void requireAtMost(String key, int most, int found) {
        if (found < 1 || found > most) {
            throw metadata.unexpected(key(key), most == 1 ? "1" : "1 to " + most, found);
        }
    }

    private void put(Value value) {
        String key = key(value.gguf());
        switch (metadata.value(key)) {
            case null -> {
                if (value.required()) {
                    throw metadata.unexpected(key, "a value", null);
                }
                layers().width(value.gguf()).ifPresent(width -> config.put(value.config(), width));
            }
            case Number number -> config.put(value.config(), isNone(value.gguf(), number.doubleValue()) ? 1.0 : number);
            case Boolean flag -> config.put(value.config(), flag);
            case List<?> ofLayers -> config.put(value.config(), layers().ofAll(value.gguf(), ofLayers));
            case Object other -> throw metadata.unexpected(key, "a number, or true or false", other);
        }
    }

    private static boolean isNone(String key, double value) {
        return FACTORS.contains(key) && value == 0;
    }

    private void requireKnownArithmetic() {
        rule.requireGating(metadata);
        UNSUPPORTED.stream().filter(neutral -> !rule.reads(neutral.gguf())).forEach(this::requireNeutral);
        requireOneGroup();
        requireCausal();
        layers().requireLimitsAlike();
        requireHeadSize("");
        if (metadata.has(key("attention.key_length" + GgufWindows.SLIDING))) {
            requireHeadSize(GgufWindows.SLIDING);
        }
    }

    /// None is one.
    private void requireOneGroup() {
        String key = "expert_group_count";
        int groups = metadata.optionalInt(key(key)).orElse(1);
        if (groups != 0 && groups != 1 && !rule.reads(key)) {
            throw metadata.unexpected(key(key), "1, since no other is supported", groups);
        }
    }

    private void requireCausal() {
        String key = key("attention.causal");
        if (!metadata.optionalBoolean(key).orElse(true)) {
            throw metadata.unexpected(key, "true, since no other is supported", false);
        }
    }

    private void requireNeutral(Neutral neutral) {
        String key = key(neutral.gguf());
        double value = metadata.optionalDouble(key).orElse(neutral.value());
        if (value != neutral.value() && !isNone(neutral.gguf(), value)) {
            throw metadata.unexpected(key, neutral.value() + ", since no other is supported", value);
        }
    }

    /// @param suffix of the keys
    private void requireHeadSize(String suffix) {
        int headDim = metadata.optionalInt(key("attention.key_length" + suffix))
                .orElseGet(() -> metadata.requireInt(key("embedding_length"))
                        / Math.max(1, metadata.requireInt(key("attention.head_count"))));
        if (headDim < 1) {
            throw metadata.unexpected(
                    key("attention.head_count"),
                    "at most " + key("embedding_length"),
                    metadata.requireInt(key("attention.head_count")));
        }
        for (String key : List.of(ROTATED, "attention.value_length")) {
            if (rule.reads(key + suffix) || (key.equals(ROTATED) && !rule.rotated())) {
                continue;
            }
            int found = metadata.optionalInt(key(key + suffix)).orElse(headDim);
            if (found != headDim) {
                throw metadata.unexpected(key(key + suffix), headDim + ", the size of a head", found);
            }
        }
    }

    private void putWhatTensorsTell() {
        @Nullable RawTensor embedding = tensors.get("token_embd.weight");
        if (embedding != null) {
            config.put("vocab_size", embedding.shape().getFirst());
        }
        config.put("tie_word_embeddings", !tensors.containsKey("output.weight"));
        boolean biased = tensors.containsKey("blk.0.attn_q.bias") || tensors.containsKey("blk.0.attn_qkv.bias");
        config.put("qkv_bias", biased);
        config.put("attention_bias", biased);
        config.put("use_bias", biased);
        config.put("lm_head_bias", tensors.containsKey("output.bias"));
        config.put(
                "use_qk_norm",
                config.remove("experts_without_qk_norm") instanceof Integer experts
                        ? !experts.equals(config("num_experts"))
                        : tensors.containsKey("blk.0.attn_q_norm.weight"));
        config.putAll(layers().config());
    }

    private GgufLayers layers() {
        return new GgufLayers(rule, parts, (int) config("num_hidden_layers"));
    }

    private Object config(String name) {
        @Nullable Object value = config.get(name);
        if (value == null) {
            throw new IllegalStateException(name + " has not been read yet");
        }
        return value;
    }

    private String key(String suffix) {
        return rule.key(suffix);
    }
}
