package io.moetier.engine.model.family;

import io.moetier.engine.model.spec.ModelSpec;
import io.moetier.storage.format.JsonObject;
import java.util.Optional;

/// A model family as its checkpoints describe it: which `config.json` keys it reads and what its tensors are called.
///
/// Names may hold `{expert}` for the expert's index; they follow `model.layers.N.`. Defaults are those of the
/// family's configuration class in transformers, which leaves keys out that have their default value.
///
/// @param modelType `model_type` in `config.json`
/// @param defaults values of keys left out
/// @param attention what is particular about the attention
/// @param moe the mixture of experts
/// @param dense which layers have a dense MLP instead
/// @param gguf what GGUF files of the family do not say themselves
record Family(
        String modelType, Defaults defaults, AttentionRule attention, MoeRule moe, DenseRule dense, GgufRule gguf) {
    /// Values of keys that a configuration may leave out.
    ///
    /// @param numKeyValueHeads 0 for as many as there are query heads
    /// @param maxWindowLayers 0 for all layers
    record Defaults(double rmsNormEps, double ropeTheta, int numKeyValueHeads, int maxWindowLayers) {}

    /// What is particular about a family's attention.
    ///
    /// @param qkvBias whether queries, keys and values have a bias
    /// @param outputBias whether the output projection has one
    /// @param qkNorm over what queries and keys are normalised
    /// @param window on which layers the sliding window holds
    record AttentionRule(Flag qkvBias, Flag outputBias, QkNorm qkNorm, Window window) {}

    /// A mixture of experts: names of its tensors and keys of its sizes.
    ///
    /// @param expert prefix of one expert
    /// @param widthKey configuration key of an expert's intermediate size
    record MoeRule(
            String router,
            String expert,
            Projections projections,
            String widthKey,
            Flag normTopkProb,
            Optional<SharedRule> shared) {}

    /// A shared expert with a sigmoid gate.
    record SharedRule(String prefix, Projections projections, String widthKey, String gate) {}

    /// What is particular about the GGUF files of a family; metadata keys and tensor names are the same for all.
    ///
    /// @param architecture `general.architecture`
    /// @param normTopkProb `norm_topk_prob` of a file without `expert_weights_norm`
    /// @param interleavedHeads whether the rows of queries and keys are ordered for rotating neighbouring pairs
    record GgufRule(String architecture, boolean normTopkProb, boolean interleavedHeads) {}

    /// Names of the three matrices of a SwiGLU MLP.
    record Projections(String gate, String up, String down) {
        static final Projections HUGGING_FACE = new Projections("gate_proj", "up_proj", "down_proj");
    }

    /// Which layers are dense: none, or those that `mlp_only_layers` names and `decoder_sparse_step` skips.
    enum DenseRule {
        NONE,
        SPARSE_STEP
    }

    /// Over what queries and keys are normalised.
    enum QkNorm {
        NONE,
        PER_HEAD,
        WHOLE_PROJECTION
    }

    /// On which layers `sliding_window` holds: all that have one; all if `use_sliding_window`; or, if
    /// `use_sliding_window`, those that `layer_types` names, else every second one below `max_window_layers`.
    enum Window {
        ALWAYS,
        IF_USED,
        IF_USED_ALTERNATING,
        NEVER
    }

    /// A switch: fixed, or read from a key that has a default.
    record Flag(Optional<String> key, boolean byDefault) {
        static final Flag ON = new Flag(Optional.empty(), true);
        static final Flag OFF = new Flag(Optional.empty(), false);

        static Flag of(String key, boolean byDefault) {
            return new Flag(Optional.of(key), byDefault);
        }

        boolean in(JsonObject config) {
            return key.flatMap(config::optionalBoolean).orElse(byDefault);
        }
    }

    /// Describes the model of a checkpoint with this configuration.
    ModelSpec describe(JsonObject config) {
        return new SpecAssembly(this, config).model();
    }
}
