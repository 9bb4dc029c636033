package io.moetier.runtime.model.describe;

import io.moetier.kernels.device.RopeTable;
import io.moetier.runtime.model.spec.RopeSpec;
import io.moetier.runtime.model.spec.TemperatureSpec;
import io.moetier.storage.format.JsonObject;
import java.util.List;
import java.util.Optional;

/// Reads positions in both spellings: `rope_theta` and `rope_scaling` of transformers 4, `rope_parameters` of
/// transformers 5.
final class RopeReader {
    private static final double DEFAULT_BETA_FAST = 32;
    private static final double DEFAULT_BETA_SLOW = 1;
    private static final String ORIGINAL_POSITIONS = "original_max_position_embeddings";

    private RopeReader() {}

    /// @param rotaryDim how many elements of a head are rotated
    /// @param interleaved whether the family pairs neighbours
    static RopeSpec read(JsonObject config, int rotaryDim, boolean interleaved) {
        Optional<JsonObject> parameters = config.optionalObject("rope_parameters");
        double theta = parameters
                .flatMap(object -> optional(object, "rope_theta"))
                .orElseGet(() -> require(config, "rope_theta"));
        Optional<RopeTable.Scaling> scaling = scaling(config);
        if (scaling.isPresent() && scaling.get() instanceof RopeTable.LongRope change) {
            requirePairs(config, change.shorter(), "short_factor", rotaryDim);
            requirePairs(config, change.longer(), "long_factor", rotaryDim);
        }
        return new RopeSpec(rotaryDim, theta, interleaved, scaling, sections(config, rotaryDim), 1);
    }

    private static List<Integer> sections(JsonObject config, int rotaryDim) {
        String key = "mrope_section";
        JsonObject object = config.optionalObject("rope_parameters")
                .or(() -> config.optionalObject("rope_scaling"))
                .filter(parameters -> parameters.has(key))
                .orElse(config);
        List<Integer> found = object.optionalInts(key).orElse(List.of());
        boolean fits = found.size() == 3
                && found.stream().allMatch(pairs -> pairs >= 0 && pairs <= rotaryDim / 2)
                && found.stream().mapToInt(Integer::intValue).sum() == rotaryDim / 2;
        if (!found.isEmpty() && !fits) {
            throw object.unexpected(key, "three numbers of " + rotaryDim / 2 + " pairs in all", found);
        }
        return found;
    }

    private static void requirePairs(JsonObject config, RopeTable.Divided factors, String key, int rotaryDim) {
        int found = factors.divisors().size();
        if (found != rotaryDim / 2) {
            throw config.unexpected(key, rotaryDim / 2 + " numbers", found);
        }
    }

    /// Returns how the checkpoint stretches its positions, if it does.
    static Optional<RopeTable.Scaling> scaling(JsonObject config) {
        return config.optionalObject("rope_parameters")
                .or(() -> config.optionalObject("rope_scaling"))
                .flatMap(scaling -> read(config, scaling, requirePositions(config, "max_position_embeddings")));
    }

    /// Returns what `mscale_all_dim` of a YaRN checkpoint asks queries and keys to be multiplied by, 1 where there is
    /// none.
    static double magnitudeOfAllDimensions(JsonObject config) {
        return config.optionalObject("rope_parameters")
                .or(() -> config.optionalObject("rope_scaling"))
                .filter(scaling -> type(scaling).equals("yarn"))
                .map(scaling -> RopeTable.Yarn.magnitude(
                        require(scaling, "factor"),
                        scaling.optionalDouble("mscale_all_dim").orElse(0.0)))
                .orElse(1.0);
    }

    /// Returns how queries grow with their position: by `llama_4_scaling_beta`, each time that as many positions have
    /// passed as the model was first trained with.
    static Optional<TemperatureSpec> temperature(JsonObject config) {
        String key = "llama_4_scaling_beta";
        return config.optionalObject("rope_parameters")
                .or(() -> config.optionalObject("rope_scaling"))
                .filter(scaling -> scaling.has(key))
                .map(scaling -> new TemperatureSpec(
                        scaling.requireDouble(key),
                        optionalPositions(scaling, ORIGINAL_POSITIONS)
                                .orElseGet(() -> requirePositions(config, "max_position_embeddings")),
                        0));
    }

    private static String type(JsonObject scaling) {
        return scaling.optionalString(scaling.has("rope_type") ? "rope_type" : "type")
                .orElse("default");
    }

    private static Optional<RopeTable.Scaling> read(JsonObject config, JsonObject scaling, int maxPositions) {
        String key = scaling.has("rope_type") ? "rope_type" : "type";
        String type = scaling.optionalString(key).orElse("default");
        return switch (type) {
            case "default" -> Optional.empty();
            case "yarn" -> Optional.of(readYarn(scaling, maxPositions));
            case "llama3" -> Optional.of(readLlama3(scaling));
            case "longrope" -> Optional.of(readLongRope(config, scaling, maxPositions));
            case "proportional" -> Optional.of(readFirstPairs(scaling));
            case "dynamic" -> Optional.of(new RopeTable.LargerBase(require(scaling, "alpha")));
            default -> throw scaling.unexpected(key, "default, yarn, llama3, longrope, proportional or dynamic", type);
        };
    }

    private static RopeTable.FirstPairs readFirstPairs(JsonObject scaling) {
        String key = "partial_rotary_factor";
        double share = scaling.optionalDouble(key).orElse(1.0);
        if (!(share > 0 && share <= 1)) {
            throw scaling.unexpected(key, "a share above 0 and up to 1", share);
        }
        return new RopeTable.FirstPairs(share);
    }

    private static RopeTable.Llama3 readLlama3(JsonObject scaling) {
        return new RopeTable.Llama3(
                require(scaling, "factor"),
                require(scaling, "low_freq_factor"),
                require(scaling, "high_freq_factor"),
                requirePositions(scaling, ORIGINAL_POSITIONS));
    }

    private static RopeTable.Yarn readYarn(JsonObject scaling, int maxPositions) {
        double factor = require(scaling, "factor");
        return new RopeTable.Yarn(
                factor,
                optionalPositions(scaling, ORIGINAL_POSITIONS).orElse(maxPositions),
                optional(scaling, "beta_fast").orElse(DEFAULT_BETA_FAST),
                optional(scaling, "beta_slow").orElse(DEFAULT_BETA_SLOW),
                scaling.optionalBoolean("truncate").orElse(true),
                optional(scaling, "attention_factor").orElseGet(() -> attentionFactor(scaling, factor)));
    }

    private static RopeTable.LongRope readLongRope(JsonObject config, JsonObject scaling, int maxPositions) {
        int original = optionalPositions(scaling, ORIGINAL_POSITIONS)
                .or(() -> optionalPositions(config, ORIGINAL_POSITIONS))
                .orElse(maxPositions);
        double magnitude = optional(scaling, "attention_factor")
                .orElseGet(() -> RopeTable.LongRope.magnitude(
                        optional(scaling, "factor").orElse((double) maxPositions / original), original));
        return new RopeTable.LongRope(
                original,
                factors(
                        scaling,
                        "short_factor",
                        scaling.optionalDouble("short_mscale").orElse(magnitude)),
                factors(
                        scaling,
                        "long_factor",
                        scaling.optionalDouble("long_mscale").orElse(magnitude)));
    }

    private static RopeTable.Divided factors(JsonObject scaling, String key, double magnitude) {
        List<Double> divisors = scaling.requireDoubles(key);
        if (!divisors.stream().allMatch(divisor -> divisor > 0)) {
            throw scaling.unexpected(key, "numbers above 0", divisors);
        }
        return new RopeTable.Divided(divisors, magnitude);
    }

    private static double require(JsonObject object, String key) {
        double value = object.requireDouble(key);
        if (!(value > 0)) {
            throw object.unexpected(key, "a number above 0", value);
        }
        return value;
    }

    private static Optional<Double> optional(JsonObject object, String key) {
        return object.has(key) ? Optional.of(require(object, key)) : Optional.empty();
    }

    private static int requirePositions(JsonObject object, String key) {
        int positions = object.requireInt(key);
        if (positions < 1) {
            throw object.unexpected(key, "an integer above 0", positions);
        }
        return positions;
    }

    private static Optional<Integer> optionalPositions(JsonObject object, String key) {
        return object.has(key) ? Optional.of(requirePositions(object, key)) : Optional.empty();
    }

    private static double attentionFactor(JsonObject scaling, double factor) {
        return RopeTable.Yarn.attentionFactor(
                factor,
                scaling.optionalDouble("mscale").orElse(0.0),
                scaling.optionalDouble("mscale_all_dim").orElse(0.0));
    }
}
