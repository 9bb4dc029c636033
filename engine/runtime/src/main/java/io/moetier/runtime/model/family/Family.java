package io.moetier.runtime.model.family;

import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.gguf.GgufRule;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/// A model family as its checkpoints describe it.
///
/// @param modelType `model_type` in `config.json`
/// @param defaults values of keys left out, those of the family's configuration class in transformers
/// @param description what the model computes
/// @param gguf what GGUF files of the family do not say themselves, if there are any
record Family(
        String modelType,
        Map<String, Object> defaults,
        Function<FamilyConfig, ModelSpec> description,
        Optional<GgufRule> gguf) {
    private static final String EXPERTS = "num_experts";

    /// Describes the model of a checkpoint with this configuration.
    ///
    /// @throws MalformedModelException if a value is missing or cannot be
    ModelSpec describe(JsonObject config) {
        FamilyConfig own = new FamilyConfig(modelType, config);
        FamilyConfig read = defaults.containsKey(EXPERTS) ? own.alias("num_local_experts", EXPERTS) : own;
        try {
            return description.apply(read.withDefaults(defaults));
        } catch (IllegalArgumentException e) { // a record of the description refuses a number
            throw new MalformedModelException(config.source() + ": " + e.getMessage(), e);
        } catch (ArithmeticException e) {
            throw new MalformedModelException(config.source() + ": expected sizes whose products fit 32 bits", e);
        }
    }

    /// Returns a configuration as checkpoints of the family have it.
    JsonObject exampleConfig() {
        return FamilyExamples.of(modelType);
    }
}
