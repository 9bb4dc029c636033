package io.moetier.runtime.convert;

import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/// What tensors of models with a tower are called in a checkpoint: as on the hub, or as transformers 5 saves them.
///
/// @param has says of a name whether the checkpoint has a tensor of it
record StoredNames(Predicate<String> has) {
    private static final Map<String, String> OF_TRANSFORMERS_5 = Map.of(
            "language_model.model.", "model.language_model.",
            "language_model.lm_head.", "lm_head.",
            "vision_tower.", "model.vision_tower.",
            "vision_model.", "model.vision_model.",
            "multi_modal_projector.", "model.multi_modal_projector.");

    /// Returns what a tensor is called in the checkpoint; `name` itself if it has none.
    String of(String name) {
        return has.test(name) ? name : other(name).filter(has).orElse(name);
    }

    /// Says whether the checkpoint has a tensor, whatever it calls it.
    boolean contains(String name) {
        return has.test(of(name));
    }

    private static Optional<String> other(String name) {
        return OF_TRANSFORMERS_5.entrySet().stream()
                .filter(entry -> name.startsWith(entry.getKey()))
                .map(entry -> entry.getValue() + name.substring(entry.getKey().length()))
                .findFirst();
    }
}
