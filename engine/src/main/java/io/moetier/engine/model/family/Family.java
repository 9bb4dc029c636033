package io.moetier.engine.model.family;

import io.moetier.engine.model.describe.FamilyConfig;
import io.moetier.engine.model.spec.ModelSpec;
import io.moetier.storage.format.JsonObject;
import java.util.List;
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
    /// Describes the model of a checkpoint with this configuration.
    ModelSpec describe(JsonObject config) {
        return description.apply(new FamilyConfig(modelType, config.withDefaults(defaults)));
    }

    /// What is particular about the GGUF files of a family; metadata keys and tensor names are the same for all.
    ///
    /// @param architecture `general.architecture`
    /// @param normTopkProb `norm_topk_prob` of a file without `expert_weights_norm`
    /// @param interleavedHeads whether the rows of queries and keys are ordered for rotating neighbouring pairs
    /// @param widths keys of `config.json` with the widths of MLPs that the metadata must have
    record GgufRule(String architecture, boolean normTopkProb, boolean interleavedHeads, List<String> widths) {}
}
