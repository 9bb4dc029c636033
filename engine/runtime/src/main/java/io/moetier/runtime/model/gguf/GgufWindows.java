package io.moetier.runtime.model.gguf;

import io.moetier.storage.format.GgufParts;
import io.moetier.storage.format.JsonObject;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// Reads which layers of a GGUF file slide, where they have heads and rotations of their own.
final class GgufWindows {
    /// Under which a rule says what sliding layers and others are called, and their numbers of heads.
    static final String LAYER_TYPES = "layer_types of windows";

    /// What keys of sliding layers end in.
    static final String SLIDING = "_swa";

    private static final Map<Object, Boolean> FLAGS = Map.of(true, true, false, false, 1, true, 0, false);

    private static final double DEFAULT_THETA = 10_000;

    private final GgufRule rule;
    private final GgufParts parts;
    private final JsonObject metadata;

    GgufWindows(GgufRule rule, GgufParts parts) {
        this.rule = rule;
        this.parts = parts;
        this.metadata = parts.metadata();
    }

    /// Says whether the family has such layers.
    boolean areSaid() {
        return rule.constants().containsKey(LAYER_TYPES);
    }

    /// Puts which layers slide, how many heads of keys both kinds have, and whether keys are the values of some layer;
    /// returns whether the family has such layers.
    boolean put(int layers, Map<String, Object> config) {
        if (!(config.remove(LAYER_TYPES) instanceof List<?> names)) {
            return false;
        }
        List<Boolean> slides = slides(layers);
        config.put(
                "layer_types",
                slides.stream().map(slide -> names.get(slide ? 0 : 1)).toList());
        config.put((String) names.get(2), heads(slides, true));
        config.put((String) names.get(3), heads(slides, false));
        config.put(
                "attention_k_eq_v",
                IntStream.range(0, layers)
                        .anyMatch(layer -> !parts.tensors().containsKey("blk." + layer + ".attn_v.weight")));
        return true;
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
    private int heads(List<Boolean> slides, boolean sliding) {
        String key = rule.key("attention.head_count_kv");
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
        Map<String, Object> full = rope.tensors().isEmpty()
                ? Map.of("rope_theta", theta(""))
                : Map.of(
                        "rope_type", "proportional",
                        "rope_theta", theta(""),
                        "partial_rotary_factor", rope.shareRotated());
        return Map.of("sliding_attention", Map.of("rope_theta", theta(SLIDING)), "full_attention", full);
    }

    private double theta(String suffix) {
        return metadata.optionalDouble(rule.key("rope.freq_base" + suffix)).orElse(DEFAULT_THETA);
    }
}
