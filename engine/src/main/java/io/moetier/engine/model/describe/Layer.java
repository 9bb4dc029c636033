package io.moetier.engine.model.describe;

import java.util.List;

/// A layer that is being described.
///
/// @param prefix what the names of its tensors start with
public record Layer(FamilyConfig config, int index, String prefix) {
    /// Returns the name of a part of the layer.
    public String name(String suffix) {
        return prefix + suffix;
    }

    /// Returns `sliding_window` if `use_sliding_window` says so, else 0.
    public int windowIfUsed() {
        return config.flag("use_sliding_window") ? config.slidingWindow() : 0;
    }

    /// Returns the window of layers that `layer_types` calls sliding or, where there is no such list, of every second
    /// one below `max_window_layers`; 0 for the others, and unless `use_sliding_window`.
    public int windowIfUsedAlternating() {
        boolean slides = config.ofLayers("layer_types")
                .map(types -> types.get(index).equals("sliding_attention"))
                .orElseGet(() -> index % 2 == 0 && index < config.positive("max_window_layers"));
        return slides ? windowIfUsed() : 0;
    }

    /// Says whether the layer has a dense MLP although others have experts: `decoder_sparse_step` skips it, or
    /// `mlp_only_layers` names it.
    public boolean isDenseByStep() {
        int step = config.json().has("decoder_sparse_step") ? config.positive("decoder_sparse_step") : 1;
        return (index + 1) % step != 0
                || config.json()
                        .optionalInts("mlp_only_layers")
                        .orElse(List.of())
                        .contains(index);
    }

    /// Says whether `layer_types` calls the layer `type` and not `other`; `otherwise` where there is no such list.
    public boolean isOfType(String type, String other, boolean otherwise) {
        return config.ofLayers("layer_types")
                .map(types -> {
                    String found = types.get(index);
                    if (!found.equals(type) && !found.equals(other)) {
                        throw config.json().unexpected("layer_types", type + " or " + other, found);
                    }
                    return found.equals(type);
                })
                .orElse(otherwise);
    }

    /// Says whether the layer is the last of `count`, as every `count`-th is.
    public boolean isLastOf(int count) {
        return (index + 1) % count == 0;
    }

    /// Says whether the layer is the one at `offsetKey` of each `periodKey` layers.
    public boolean isAtOffset(String periodKey, String offsetKey) {
        return index % config.positive(periodKey) == config.json().requireInt(offsetKey);
    }

    /// Says whether the layer is one of the first, as many as `key` says.
    public boolean isBefore(String key) {
        return index < config.json().requireInt(key);
    }
}
