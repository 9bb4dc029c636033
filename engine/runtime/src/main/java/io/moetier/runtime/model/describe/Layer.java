package io.moetier.runtime.model.describe;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

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
        return slides(index % 2 == 0 && index < config.positive("max_window_layers")) ? windowIfUsed() : 0;
    }

    /// Returns the window of layers that `layer_types` calls sliding or, where there is no such list, of those from
    /// `max_window_layers` on; 0 for the others.
    public int windowFromLayerOn() {
        return slides(index >= config.positive("max_window_layers")) ? config.slidingWindow() : 0;
    }

    /// Says whether `layer_types` calls the layer sliding or, where there is no such list, whether it is none of
    /// every so many as `key` says.
    public boolean slidesUnlessEvery(String key) {
        return slides((index + 1) % config.positive(key) != 0);
    }

    /// Returns a whole number above 0 that a file may give for each layer or for all.
    public int positive(String key) {
        List<Integer> found = config.json().optionalInts(key).orElse(List.of());
        if (found.size() == 1) {
            return config.positive(found.getFirst(), key);
        }
        if (found.size() != config.numLayers()) {
            throw config.json().unexpected(key, "a positive integer, or one for each layer", found);
        }
        return config.positive(found.get(index), key);
    }

    /// Returns the number of experts of the layer, under a key with one number for each layer or one for all.
    public int numExperts(String key) {
        int found = positive(key);
        int most = Limits.expertsOfLayer(config.numLayers());
        if (found > most) {
            throw config.json().unexpected(key, "at most " + most, found);
        }
        return found;
    }

    /// Says whether the layer has experts: one of every `moe_layer_interval`, from `moe_layer_start_index` to
    /// `moe_layer_end_index`, which is -1 for the last.
    public boolean isMoeByInterval() {
        int end = config.json().requireInt("moe_layer_end_index");
        return index >= config.json().requireInt("moe_layer_start_index")
                && index <= (end == -1 ? config.numLayers() - 1 : end)
                && (index + 1) % config.positive("moe_layer_interval") == 0;
    }

    private boolean slides(boolean otherwise) {
        return isOfType("sliding_attention", "full_attention", otherwise);
    }

    /// Returns `sliding_window` if `layer_types` calls the layer sliding or, where there is no such list, if its number
    /// is even; else 0.
    public int windowAlternating() {
        boolean slides = config.ofLayers("layer_types")
                .map(types -> types.get(index).equals("sliding_attention"))
                .orElse(index % 2 == 0);
        return slides ? config.slidingWindow() : 0;
    }

    /// Returns the layer's own entry of the list `key`.
    public <T> T of(List<T> entries, String key) {
        if (entries.size() != config.numLayers()) {
            throw config.json().unexpected(key, config.numLayers() + " entries", entries.size());
        }
        return entries.get(index);
    }

    /// Returns the layer's own entry of the list `key`, which may have more behind the layers', of those that guess
    /// tokens further ahead.
    public <T> T ofFirst(List<T> entries, String key) {
        if (entries.size() < config.numLayers()) {
            throw config.json().unexpected(key, config.numLayers() + " entries or more", entries.size());
        }
        return entries.get(index);
    }

    /// Returns what a file says of the layer: its entry of the list `key`, which may have more behind those of layers,
    /// or the one value of all layers; nothing where that is null.
    public Optional<Object> entry(String key) {
        @Nullable Object value = config.json().value(key);
        return Optional.ofNullable(value instanceof List<?> entries ? ofFirst(entries, key) : value);
    }

    /// Returns the number that a file says of the layer, as [#entry] finds it.
    public double number(String key) {
        Object found = entry(key).orElse("nothing");
        if (found instanceof Number number) {
            return number.doubleValue();
        }
        throw config.json().unexpected(key, "a number, or one for each layer", found);
    }

    /// Says which of two words a file says of the layer, as [#entry] finds it.
    public boolean isEntry(String key, String word, String other) {
        return isWord(key, String.valueOf(entry(key).orElse("nothing")), word, other);
    }

    /// Returns the layer's own entry of the list `key`, of true and false or 1 and 0; nothing where there is no such
    /// list.
    public Optional<Boolean> flag(String key) {
        return Optional.ofNullable(config.json().value(key)).map(value -> {
            @Nullable Object entry = value instanceof List<?> flags ? of(flags, key) : value;
            return switch (entry) {
                case Boolean flag -> flag;
                case Integer number when number == 0 || number == 1 -> number == 1;
                case null, default -> throw config.json().unexpected(key, "true or false for each layer", entry);
            };
        });
    }

    /// Says whether the layer has experts, as so many of a stack's layers have, the second one first (T5); none where
    /// `numSparse` is 0.
    public boolean isOneOf(int numSparse, int numLayers) {
        if (numSparse < 1) {
            return false;
        }
        int step = Math.max(1, numLayers / numSparse);
        return step == 1 || index % step == 1;
    }

    /// Says whether the layer has experts, as every `step`-th has, the last of each group; none where `step` is 0.
    public boolean isEvery(int step) {
        return step > 0 && (index + 1) % step == 0;
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
                .map(types -> isWord("layer_types", types.get(index), type, other))
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

    /// Says whether `mlp_layer_types` calls the layer dense or, where there is no such list, whether it is one of the
    /// `first_k_dense_replace` first.
    public boolean isDenseByType() {
        return config.ofLayers("mlp_layer_types")
                .map(types -> isWord("mlp_layer_types", types.get(index), "dense", "sparse"))
                .orElseGet(() -> isBefore("first_k_dense_replace"));
    }

    /// Says whether the layer has an indexer of its own (GLM-5): `indexer_types` calls it full and not shared;
    /// where there is no such list, `index_topk_pattern` has an F for it and no S; else one of every
    /// `index_topk_freq` layers has one, and all before number `index_skip_topk_offset`.
    public boolean hasIndexer() {
        Optional<List<String>> types = config.ofLayers("indexer_types");
        if (types.isPresent()) {
            return isWord("indexer_types", types.get().get(index), "full", "shared");
        }
        Optional<String> pattern = config.json().optionalString("index_topk_pattern");
        if (pattern.isPresent()) {
            List<String> letters =
                    pattern.get().chars().mapToObj(Character::toString).toList();
            return isWord("index_topk_pattern", of(letters, "index_topk_pattern"), "F", "S");
        }
        int behind = index - config.json().requireInt("index_skip_topk_offset") + 1;
        return behind <= 0 || behind % config.positive("index_topk_freq") == 0;
    }

    private boolean isWord(String key, String found, String word, String other) {
        if (!found.equals(word) && !found.equals(other)) {
            throw config.json().unexpected(key, word + " or " + other, found);
        }
        return found.equals(word);
    }
}
