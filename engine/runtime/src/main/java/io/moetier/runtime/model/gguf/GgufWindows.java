package io.moetier.runtime.model.gguf;

import io.moetier.storage.format.GgufParts;
import io.moetier.storage.format.JsonObject;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

/// Reads which layers of a GGUF file slide, where they have heads and rotations of their own.
final class GgufWindows {
    /// Under which a rule says what sliding layers and others are called, and their numbers of heads.
    static final String LAYER_TYPES = "layer_types of windows";

    /// Under which a rule says where the configuration has how many heads of queries sliding layers have.
    static final String SLIDING_HEADS = "heads of windows";

    /// Under which a rule says which share of what sliding layers rotate the others do.
    static final String SHARE_OF_FULL = "rotated share of windows";

    static final String HEADS = "attention.head_count";

    /// What keys of sliding layers end in.
    static final String SLIDING = "_swa";

    private static final Map<Object, Boolean> FLAGS = Map.of(true, true, false, false, 1, true, 0, false);

    private static final double DEFAULT_THETA = 10_000;
    private static final String SHARE = "partial_rotary_factor";

    private final GgufRule rule;
    private final GgufParts parts;
    private final JsonObject metadata;

    GgufWindows(GgufRule rule, GgufParts parts) {
        this.rule = rule;
        this.parts = parts;
        this.metadata = parts.metadata();
    }

    /// Returns what files call the keys that such families have.
    static Map<String, String> spellings(GgufRule rule) {
        Map<String, String> names = new LinkedHashMap<>();
        if (rule.constants().get(LAYER_TYPES) instanceof List<?> said) {
            names.put((String) said.get(2), rule.key(HEADS + "_kv"));
            names.put((String) said.get(3), rule.key(HEADS + "_kv"));
        }
        if (rule.constants().get(SLIDING_HEADS) instanceof String ofSliding) {
            names.put(ofSliding, rule.key(HEADS));
        }
        return names;
    }

    /// Says whether the family has such layers.
    boolean areSaid() {
        return rule.constants().containsKey(LAYER_TYPES);
    }

    /// Says whether the metadata lists how many heads of queries each layer has, which is read then.
    boolean listsHeads() {
        return rule.says(SLIDING_HEADS) && metadata.value(rule.key(HEADS)) instanceof List;
    }

    /// Puts which layers slide, how many heads both kinds have, and whether keys are the values of some layer;
    /// returns whether the family has such layers.
    boolean put(int layers, Map<String, Object> config) {
        if (!(config.remove(LAYER_TYPES) instanceof List<?> names)) {
            return false;
        }
        List<Boolean> slides = slides(layers);
        config.put(
                "layer_types",
                slides.stream().map(slide -> names.get(slide ? 0 : 1)).toList());
        put(config, (String) names.get(2), heads(HEADS + "_kv", slides, true));
        put(config, (String) names.get(3), heads(HEADS + "_kv", slides, false));
        if (config.remove(SLIDING_HEADS) instanceof String ofSliding) {
            put(config, ofSliding, heads(HEADS, slides, true));
            put(config, "num_attention_heads", heads(HEADS, slides, false));
        }
        config.remove(SHARE_OF_FULL);
        config.put(
                "attention_k_eq_v",
                IntStream.range(0, layers)
                        .anyMatch(layer -> !parts.tensors().containsKey("blk." + layer + ".attn_v.weight")));
        return true;
    }

    /// Puts a value, in an object where the key has a point.
    private static void put(Map<String, Object> config, String key, int value) {
        int point = key.indexOf('.');
        if (point < 0) {
            config.put(key, value);
            return;
        }
        Map<String, Object> nested = new LinkedHashMap<>();
        if (config.get(key.substring(0, point)) instanceof Map<?, ?> others) {
            others.forEach((name, other) -> nested.put(String.valueOf(name), Objects.requireNonNull(other)));
        }
        nested.put(key.substring(point + 1), value);
        config.put(key.substring(0, point), nested);
    }

    /// Flags may be numbers. There may be one for each layer that guesses more tokens, too.
    private List<Boolean> slides(int layers) {
        String key = rule.key("attention.sliding_window_pattern");
        if (!(metadata.value(key) instanceof List<?> flags)
                || !isOfLayers(flags.size(), layers)
                || !FLAGS.keySet().containsAll(flags)) {
            throw metadata.unexpected(key, "true or false for each of " + layers + " layers", metadata.value(key));
        }
        return flags.stream()
                .limit(layers)
                .map(flag -> FLAGS.getOrDefault(flag, false))
                .toList();
    }

    private boolean isOfLayers(int found, int layers) {
        return found == layers || found == metadata.requireInt(rule.key("block_count"));
    }

    /// There is one number of heads for all layers, or one for each.
    private int heads(String suffix, List<Boolean> slides, boolean sliding) {
        String key = rule.key(suffix);
        List<Integer> heads = metadata.optionalInts(key).orElseGet(() -> List.of(metadata.requireInt(key)));
        if (heads.size() != 1 && !isOfLayers(heads.size(), slides.size())) {
            throw metadata.unexpected(key, "one number for each of " + slides.size() + " layers", heads.size());
        }
        int first = Math.max(0, slides.indexOf(sliding));
        return heads.get(heads.size() == 1 ? 0 : first);
    }

    /// Returns the rotations of both kinds of layers.
    Map<String, Object> rotations(GgufRope rope) {
        rope.requireNoScaling();
        if (rule.constants().get(SHARE_OF_FULL) instanceof Double share) {
            int whole = requireWholeHeads();
            Map<String, Object> partly = new LinkedHashMap<>(Map.of("rope_theta", theta(""), SHARE, share));
            partly.putAll(rope.firstDivided((int) (whole * share) / 2));
            return Map.of("sliding_attention", Map.of("rope_theta", theta(SLIDING)), "full_attention", partly);
        }
        Map<String, Object> full = rope.tensors().isEmpty()
                ? Map.of("rope_theta", theta(""))
                : Map.of("rope_type", "proportional", "rope_theta", theta(""), SHARE, rope.shareRotated());
        return Map.of("sliding_attention", Map.of("rope_theta", theta(SLIDING)), "full_attention", full);
    }

    /// Checks that layers that slide rotate whole heads, and returns how many elements these have.
    private int requireWholeHeads() {
        String key = rule.key("rope.dimension_count" + SLIDING);
        int whole = metadata.requireInt(rule.key("attention.key_length"));
        int found = metadata.optionalInt(key).orElse(whole);
        if (found != whole) {
            throw metadata.unexpected(key, whole + ", the size of a head", found);
        }
        return whole;
    }

    private double theta(String suffix) {
        return metadata.optionalDouble(rule.key("rope.freq_base" + suffix)).orElse(DEFAULT_THETA);
    }
}
