package io.moetier.engine.model.describe;

import io.moetier.engine.device.RopeTable;
import io.moetier.engine.model.spec.RopeSpec;
import io.moetier.storage.format.JsonObject;
import java.util.Optional;

/// Reads positions in both spellings: `rope_theta` and `rope_scaling` of transformers 4, `rope_parameters` of
/// transformers 5.
final class RopeReader {
    private static final double DEFAULT_BETA_FAST = 32;
    private static final double DEFAULT_BETA_SLOW = 1;

    private RopeReader() {}

    /// @param rotaryDim how many elements of a head are rotated
    /// @param interleaved whether the family pairs neighbours
    static RopeSpec read(JsonObject config, int rotaryDim, boolean interleaved) {
        Optional<JsonObject> parameters = config.optionalObject("rope_parameters");
        double theta = parameters
                .flatMap(object -> object.optionalDouble("rope_theta"))
                .orElseGet(() -> config.requireDouble("rope_theta"));
        if (!(theta > 0)) {
            throw config.unexpected("rope_theta", "a number above 0", theta);
        }
        return new RopeSpec(rotaryDim, theta, interleaved, scaling(config));
    }

    /// Returns how the checkpoint stretches its positions, if it does.
    static Optional<RopeTable.Scaling> scaling(JsonObject config) {
        return config.optionalObject("rope_parameters")
                .or(() -> config.optionalObject("rope_scaling"))
                .flatMap(scaling -> read(scaling, config.requireInt("max_position_embeddings")));
    }

    private static Optional<RopeTable.Scaling> read(JsonObject scaling, int maxPositions) {
        String key = scaling.has("rope_type") ? "rope_type" : "type";
        String type = scaling.optionalString(key).orElse("default");
        return switch (type) {
            case "default" -> Optional.empty();
            case "yarn" -> Optional.of(readYarn(scaling, maxPositions));
            default -> throw scaling.unexpected(key, "default or yarn", type);
        };
    }

    private static RopeTable.Yarn readYarn(JsonObject scaling, int maxPositions) {
        double factor = scaling.requireDouble("factor");
        return new RopeTable.Yarn(
                factor,
                scaling.optionalInt("original_max_position_embeddings").orElse(maxPositions),
                scaling.optionalDouble("beta_fast").orElse(DEFAULT_BETA_FAST),
                scaling.optionalDouble("beta_slow").orElse(DEFAULT_BETA_SLOW),
                scaling.optionalBoolean("truncate").orElse(true),
                scaling.optionalDouble("attention_factor").orElseGet(() -> attentionFactor(scaling, factor)));
    }

    private static double attentionFactor(JsonObject scaling, double factor) {
        return RopeTable.Yarn.attentionFactor(
                factor,
                scaling.optionalDouble("mscale").orElse(0.0),
                scaling.optionalDouble("mscale_all_dim").orElse(0.0));
    }
}
