package io.moetier.runtime.model.gguf;

import io.moetier.storage.format.GgufParts;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.format.RawTensor;
import io.moetier.storage.model.MalformedModelException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Reads how a GGUF file stretches its positions: by YaRN, which its metadata describe, or by tensors of numbers that
/// frequencies are divided by.
final class GgufRope {
    static final String TEMPERATURE = "llama_4_scaling_beta";
    static final String TEMPERATURE_POSITIONS = "llama_4_scaling_positions";
    private static final String OF_ALL = "rope_freqs.weight";
    private static final String OF_SHORT = "rope_factors_short.weight";
    private static final double STILL = 1e20; // of a pair: no position turns it by more than float32 tells from none
    private static final String OF_LONG = "rope_factors_long.weight";
    private static final String POSITIONS = "original_max_position_embeddings";
    private static final double UNSAID = 1; // of YaRN's factors: what its own formulas give

    private final GgufRule rule;
    private final GgufParts parts;
    private final JsonObject metadata;

    GgufRope(GgufRule rule, GgufParts parts) {
        this.rule = rule;
        this.parts = parts;
        this.metadata = parts.metadata();
    }

    /// Returns what would stand under `rope_scaling`, if anything. Factors of all texts are those of short and of long
    /// ones.
    ///
    /// @param config as far as it has been read; `rope_scaling`, `mscale_tenth` and a temperature add to YaRN
    Optional<Map<String, Object>> scaling(Map<String, Object> config) {
        List<String> factors = tensors();
        if (!factors.isEmpty()) {
            return Optional.of(divided(factors));
        }
        requireNoOtherMagnitude();
        String key = rule.key("rope.scaling.type");
        String type = type();
        boolean tempered = config.get(TEMPERATURE) instanceof Number scale && scale.doubleValue() != 0;
        if (tempered && !type.equals("yarn")) {
            throw metadata.unexpected(key, "yarn, as the queries have a temperature", metadata.value(key));
        }
        return switch (type) {
            case "none" -> Optional.empty();
            case "yarn" -> Optional.of(yarn(config));
            case "longrope" -> throw metadata.unexpected(key, type + " only with tensors rope_factors_*", type);
            default -> throw metadata.unexpected(key, "none or yarn, since no other is supported", metadata.value(key));
        };
    }

    /// Returns the names of the tensors that are read: none, one of all texts, or those of short and of long ones.
    List<String> tensors() {
        Map<String, RawTensor> known = parts.tensors();
        String type = type();
        if (!type.equals("none") && !type.equals("longrope")) {
            return List.of();
        }
        if (known.containsKey(OF_ALL)) {
            return List.of(OF_ALL);
        }
        return known.containsKey(OF_SHORT) || known.containsKey(OF_LONG) ? List.of(OF_SHORT, OF_LONG) : List.of();
    }

    /// Returns the share of pairs that are rotated at all: the first have the factor 1, all others one beyond any
    /// angle.
    double shareRotated() {
        if (tensors().isEmpty()) {
            return 1;
        }
        List<Double> factors = factors(OF_ALL);
        int rotated = 0;
        while (rotated < factors.size() && factors.get(rotated) == 1) {
            rotated++;
        }
        for (double factor : factors.subList(rotated, factors.size())) {
            if (factor < STILL) {
                throw MalformedModelException.of(
                        metadata.source(), "tensor " + OF_ALL, "1, and then " + STILL + " or more", factor);
            }
        }
        return (double) rotated / factors.size();
    }

    /// A factor without a type is linear, as llama.cpp takes it to be, unless the family has another. Linear without a
    /// factor is none, as in files that llama.cpp itself saved.
    private String type() {
        double factor = metadata.optionalDouble(rule.key("rope.scaling.factor")).orElse(1.0);
        boolean none = factor == 0 || factor == 1;
        return metadata.optionalString(rule.key("rope.scaling.type"))
                .filter(type -> !(none && type.equals("linear")))
                .orElse(none ? "none" : rule.unsaidScaling());
    }

    /// Checks that no rotation is scaled.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if one is
    void requireNoScaling() {
        requireNoOtherMagnitude();
        if (!type().equals("none")) {
            throw metadata.unexpected(rule.key("rope.scaling.type"), "none", type());
        }
    }

    private void requireNoOtherMagnitude() {
        String key = rule.key("rope.scaling.attn_factor");
        double found = magnitude();
        if (found != 1) {
            throw metadata.unexpected(key, "1.0, since no other is supported", found);
        }
    }

    private double magnitude() {
        return metadata.optionalDouble(rule.key("rope.scaling.attn_factor")).orElse(1.0);
    }

    /// Negative is none said.
    private void requireWholeExtrapolation() {
        String key = rule.key("rope.scaling.yarn_ext_factor");
        double found = metadata.optionalDouble(key).orElse(UNSAID);
        if (found >= 0 && found != UNSAID) {
            throw metadata.unexpected(key, UNSAID + ", since no other is supported", found);
        }
    }

    /// Returns by which numbers the frequencies of the first pairs are divided, if by any; files may have more numbers,
    /// for layers that rotate more.
    Map<String, Object> firstDivided(int pairs) {
        List<String> names = tensors();
        if (names.isEmpty()) {
            return Map.of();
        }
        Map<String, Object> scaling = divided(names);
        scaling.replaceAll((key, value) ->
                value instanceof List<?> factors ? factors.subList(0, Math.min(pairs, factors.size())) : value);
        return scaling;
    }

    private Map<String, Object> divided(List<String> names) {
        int positions = metadata.requireInt(rule.key("context_length"));
        Map<String, Object> scaling = new LinkedHashMap<>();
        scaling.put("rope_type", "longrope");
        scaling.put("short_factor", factors(names.getFirst()));
        scaling.put("long_factor", factors(names.getLast()));
        scaling.put("attention_factor", magnitude());
        scaling.put(
                "original_max_position_embeddings",
                metadata.optionalInt(rule.key("rope.scaling.original_context_length"))
                        .orElse(positions));
        return scaling;
    }

    private List<Double> factors(String name) {
        @Nullable RawTensor found = parts.tensors().get(name);
        long size = found != null && found.shape().size() == 1 ? found.shape().getFirst() : 0;
        int most = metadata.requireInt(rule.key("embedding_length"));
        RawTensor tensor = parts.require(name, Math.clamp(size, 1, Math.max(1, most)));
        List<Double> factors = new ArrayList<>();
        for (float factor : parts.readFloats(tensor.require())) {
            if (!(factor > 0 && factor < Float.POSITIVE_INFINITY)) {
                throw MalformedModelException.of(tensor.file(), "tensor " + name, "numbers above 0", factor);
            }
            factors.add((double) factor);
        }
        return factors;
    }

    private Map<String, Object> yarn(Map<String, Object> config) {
        Map<String, Object> yarn = new LinkedHashMap<>();
        yarn.put("rope_type", "yarn");
        yarn.put("factor", metadata.requireDouble(rule.key("rope.scaling.factor")));
        metadata.optionalInt(rule.key("rope.scaling.original_context_length"))
                .ifPresent(positions -> yarn.put(POSITIONS, positions));
        for (String beta : List.of("beta_fast", "beta_slow")) {
            metadata.optionalDouble(rule.key("rope.scaling.yarn_" + beta)).ifPresent(value -> yarn.put(beta, value));
        }
        requireWholeExtrapolation();
        metadata.optionalDouble(rule.key("rope.scaling.yarn_attn_factor"))
                .filter(factor -> factor != UNSAID)
                .ifPresent(factor -> yarn.put("attention_factor", factor));
        if (config.get("mscale_tenth") instanceof Number tenth) {
            yarn.put("mscale", 10 * tenth.doubleValue());
            yarn.put("mscale_all_dim", 10 * tenth.doubleValue());
        }
        if (config.get(TEMPERATURE) instanceof Number scale && scale.doubleValue() != 0) {
            putTemperature(scale, config, yarn);
        }
        if (config.get("rope_scaling") instanceof Map<?, ?> constants) {
            constants.forEach((key, value) -> yarn.put(String.valueOf(key), value));
        }
        return yarn;
    }

    /// It grows whenever the positions of before YaRN have passed once more.
    private void putTemperature(Number scale, Map<String, Object> config, Map<String, Object> yarn) {
        @Nullable Object original = yarn.getOrDefault(POSITIONS, metadata.value(rule.key("context_length")));
        @Nullable Object found = config.getOrDefault(TEMPERATURE_POSITIONS, original);
        if (!Objects.equals(found, original)) {
            throw metadata.unexpected(
                    rule.key("attention.temperature_length"), original + ", the original context length", found);
        }
        yarn.put(TEMPERATURE, scale);
    }
}
