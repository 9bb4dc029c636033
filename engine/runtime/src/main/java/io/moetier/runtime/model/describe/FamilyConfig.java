package io.moetier.runtime.model.describe;

import io.moetier.kernels.device.Routing.Groups;
import io.moetier.runtime.model.spec.RopeSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.storage.format.JsonObject;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/// One checkpoint's `config.json` with its family's defaults: every value is checked when it is read.
///
/// @param family `model_type`
/// @param json the file; a key that it leaves out has the value it has in the family's configuration class in
///     transformers
public record FamilyConfig(String family, JsonObject json) {
    /// What transformers calls layers since 5.8, by what it called them before, as files on the hub do.
    private static final Map<String, String> RENAMED =
            Map.of("mamba", "linear_attention", "attention", "full_attention");

    /// Returns what stands in the object `key` as a configuration of its own.
    public FamilyConfig nested(String key) {
        return new FamilyConfig(family, json.requireObject(key));
    }

    /// Returns the configuration of the language model in one that has encoders beside it: what stands in
    /// `text_config`, and whether the head is the embedding, which stands above it.
    public FamilyConfig textModel() {
        String tied = "tie_word_embeddings";
        JsonObject text = json.requireObject("text_config");
        return new FamilyConfig(
                family,
                json.optionalBoolean(tied)
                        .map(value -> text.without(tied).withDefaults(Map.of(tied, value)))
                        .orElse(text));
    }

    /// Returns this configuration with values that a family calls otherwise: `names` maps the usual key to the
    /// family's, with dots between the keys of nested objects. Errors name the family's.
    public FamilyConfig renamed(Map<String, String> names) {
        return new FamilyConfig(family, json.withNames(names));
    }

    /// Returns this configuration with the values that one layer has for itself: what `per_layer_config` has under its
    /// number, which may begin with zeros.
    public FamilyConfig ofLayer(int layer) {
        String all = "per_layer_config";
        return json.optionalObject(all).stream()
                .flatMap(layers -> layers.keys().stream())
                .filter(key -> key.matches("0*" + layer))
                .map(key -> renamed(json.requireObject(all).requireObject(key).keys().stream()
                        .collect(Collectors.toMap(Function.identity(), name -> all + "." + key + "." + name))))
                .findFirst()
                .orElse(this);
    }

    /// Returns this configuration with values for keys that have none.
    public FamilyConfig withDefaults(Map<String, ?> defaults) {
        return new FamilyConfig(family, json.withDefaults(defaults));
    }

    /// Returns this configuration without a value for `key`.
    public FamilyConfig without(String key) {
        return new FamilyConfig(family, json.without(key));
    }

    /// Returns the size of the residual stream.
    public int hiddenSize() {
        return positive("hidden_size");
    }

    /// Returns how many layers there are.
    public int numLayers() {
        return numLayers("num_hidden_layers");
    }

    /// Returns how many layers there are, under another key.
    public int numLayers(String key) {
        return atMost(Limits.LAYERS, key);
    }

    /// Returns how many query heads there are.
    public int numHeads() {
        return numHeads("num_attention_heads");
    }

    /// Returns how many query heads there are, under another key.
    public int numHeads(String key) {
        return atMost(json.has("num_hidden_layers") ? Limits.headsOfLayer(numLayers()) : Limits.headsOfLayer(1), key);
    }

    /// Returns how many heads of keys and values there are: as many as query heads where nothing is said.
    public int numKeyValueHeads() {
        int numHeads = numHeads();
        int found = json.has("num_key_value_heads") ? positive("num_key_value_heads") : numHeads;
        if (numHeads % found != 0) {
            throw json.unexpected("num_key_value_heads", "a divisor of " + numHeads, found);
        }
        return found;
    }

    /// Returns the size of a head, an equal share of the residual stream where nothing is said.
    public int headDim() {
        int found = json.has("head_dim") ? positive("head_dim") : hiddenSize() / numHeads();
        if (found % 2 != 0) {
            throw json.unexpected("head_dim", "an even number, as rotary positions need", found);
        }
        return found;
    }

    /// Returns the width of an MLP under `key`, whose activation must be SiLU.
    public int siluWidth(String key) {
        json.optionalString("hidden_act").filter(act -> !act.equals("silu")).ifPresent(act -> {
            throw json.unexpected("hidden_act", "silu", act);
        });
        return positive(key);
    }

    /// Returns the number of experts of a layer, under the first of these keys that is there.
    public int numExperts(String... keys) {
        String key = List.of(keys).stream().filter(json::has).findFirst().orElse(keys[0]);
        return atMost(Limits.expertsOfLayer(numLayers()), key);
    }

    /// Returns how many of `numExperts` experts a token is sent to.
    public int numExpertsPerToken(String key, int numExperts) {
        int found = positive(key);
        if (found > numExperts) {
            throw json.unexpected(key, "at most " + numExperts + " experts", found);
        }
        return found;
    }

    /// Returns the groups of experts: how many there are, and from how many of them a token's are chosen.
    public Groups groups(String numGroupsKey, String keptKey, Groups.Rank rank, int numExperts, int perToken) {
        int numGroups = positive(numGroupsKey);
        if (numExperts % numGroups != 0 || (rank == Groups.Rank.SUM_OF_TWO && numExperts / numGroups < 2)) {
            throw json.unexpected(numGroupsKey, "as many equal groups of " + numExperts + " experts", numGroups);
        }
        int kept = positive(keptKey);
        if (kept > numGroups || (long) kept * (numExperts / numGroups) < perToken) {
            throw json.unexpected(
                    keptKey, "at most " + numGroups + " groups, with " + perToken + " experts or more", kept);
        }
        return new Groups(numGroups, kept, rank);
    }

    /// Returns the root mean square norm of the residual stream called `prefix`, with `rms_norm_eps`.
    public NormSpec rms(String prefix) {
        return rms(prefix, hiddenSize());
    }

    /// Returns the root mean square norm of `size` elements called `prefix`, with `rms_norm_eps`.
    public NormSpec rms(String prefix, int size) {
        return NormSpec.rms(prefix, size, eps());
    }

    /// Returns `rms_norm_eps`, what norms add to what they divide by.
    float eps() {
        float eps = number("rms_norm_eps");
        if (eps < 0) {
            throw json.unexpected("rms_norm_eps", "a number of at least 0", eps);
        }
        return eps;
    }

    /// Returns the root mean square norm of `size` elements called `prefix`, its factors stored as their distance from
    /// 1, with `rms_norm_eps`.
    public NormSpec zeroCentredRms(String prefix, int size) {
        return NormSpec.of(NormSpec.Kind.ZERO_CENTRED_RMS, prefix, size, eps());
    }

    /// Returns the same with the value of `key` under `meaning` too, unless that is there: what other families call it.
    public FamilyConfig alias(String key, String meaning) {
        return json.has(key) && !json.has(meaning) ? renamed(Map.of(meaning, key)) : this;
    }

    /// Returns the rotation of whole heads, half-split.
    public RopeSpec rope() {
        return rope(headDim(), false);
    }

    /// Returns the rotation of `rotaryDim` elements of each head.
    public RopeSpec rope(int rotaryDim, boolean interleaved) {
        return RopeReader.read(json, rotaryDim, interleaved);
    }

    /// Returns the rotation of the first elements of each head, half-split: `rotary_dim` of them, or the share
    /// `partial_rotary_factor`.
    public RopeSpec partialRope() {
        if (json.has("rotary_dim")) {
            return rope(rotated(positive("rotary_dim"), "rotary_dim"), false);
        }
        String key = "partial_rotary_factor";
        double share = json.optionalObject("rope_parameters")
                .flatMap(parameters -> parameters.optionalDouble(key))
                .orElseGet(() -> json.optionalDouble(key).orElse(1.0));
        return rope(rotated((int) (headDim() * share), key), false);
    }

    private int rotated(int elements, String key) {
        if (elements < 2 || elements > headDim() || elements % 2 != 0) {
            throw json.unexpected(key, "an even number of the " + headDim() + " elements of a head", elements);
        }
        return elements;
    }

    /// Returns the layer norm with a bias of the residual stream called `prefix`, with `rms_norm_eps`.
    public NormSpec layerNorm(String prefix) {
        return NormSpec.layer(prefix, hiddenSize(), eps(), true);
    }

    /// Returns `sliding_window`, or 0 where there is none.
    public int slidingWindow() {
        int window = json.optionalInt("sliding_window").orElse(0);
        if (window < 0) {
            throw json.unexpected("sliding_window", "0 or more", window);
        }
        return window;
    }

    /// Returns a whole number above 0.
    public int positive(String key) {
        return positive(json.requireInt(key), key);
    }

    int positive(int value, String key) {
        return atMost(Limits.NUMBER, value, key);
    }

    /// Returns how many rows or columns there are in all, if there are `size` of them, as `key` says, for each of
    /// `count` heads or the like.
    public int times(int count, String key, int size) {
        if ((long) count * size > Limits.NUMBER) {
            throw json.unexpected(key, "at most " + Limits.NUMBER / count + " for each of " + count, size);
        }
        return count * size;
    }

    /// Returns a whole number above 0, or `automatic` where it says `auto`.
    public int positiveOrAuto(String key, int automatic) {
        return "auto".equals(json.value(key)) ? automatic : positive(key);
    }

    /// Returns a whole number above 0, unless the file says null or nothing is said.
    public Optional<Integer> positiveUnlessNull(String key) {
        return json.has(key) ? Optional.of(positive(key)) : Optional.empty();
    }

    /// Returns an even number above 0.
    public int even(String key) {
        int value = positive(key);
        if (value % 2 != 0) {
            throw json.unexpected(key, "an even number, as rotary positions need", value);
        }
        return value;
    }

    /// Returns a number.
    public float number(String key) {
        return single(json.requireDouble(key), key);
    }

    private float single(double value, String key) {
        if (Math.abs(value) > Float.MAX_VALUE) {
            throw json.unexpected(key, "a number that 32 bits hold, at most " + Float.MAX_VALUE, value);
        }
        return (float) value;
    }

    /// Returns one divided by a number that is not 0.
    public float reciprocal(String key) {
        double value = json.requireDouble(key);
        if (value == 0) {
            throw json.unexpected(key, "a number other than 0", value);
        }
        return single(1 / value, key);
    }

    /// Checks that a word is the only one that is supported.
    public void requireWord(String key, String only) {
        json.optionalString(key).filter(found -> !found.equals(only)).ifPresent(found -> {
            throw json.unexpected(key, only, found);
        });
    }

    /// Checks that a number is the only one that is supported, if there is one.
    ///
    /// @param why it is, as an error says it behind the number
    public void requireNumber(String key, int only, String why) {
        json.optionalDouble(key).filter(found -> found != only).ifPresent(found -> {
            throw json.unexpected(key, only + why, json.value(key));
        });
    }

    /// Returns a switch, which is off where nothing is said.
    public boolean flag(String key) {
        return json.optionalBoolean(key).orElse(false);
    }

    /// Returns a switch that some checkpoints write as a number, 0 being off.
    public boolean isOn(String key) {
        return json.value(key) instanceof Number number ? number.doubleValue() != 0 : flag(key);
    }

    /// Checks that a switch is on.
    ///
    /// @param expected what the file should say, and why
    public void requireOn(String key, String expected) {
        if (!flag(key)) {
            throw json.unexpected(key, expected, json.value(key));
        }
    }

    /// Checks that parts that other models of a family have are absent: their keys say 0, false or nothing.
    public void requireNone(String... keys) {
        for (String key : keys) {
            if (isOn(key)) {
                throw json.unexpected(key, "0, as models with it are not supported", json.value(key));
            }
        }
    }

    /// Returns a list with one word for each layer, if there is one, in the words that transformers writes today.
    public Optional<List<String>> ofLayers(String key) {
        Optional<List<String>> found = json.optionalStrings(key);
        found.filter(list -> list.size() != numLayers()).ifPresent(list -> {
            throw json.unexpected(key, numLayers() + " entries", list.size());
        });
        return found.map(list ->
                list.stream().map(word -> RENAMED.getOrDefault(word, word)).toList());
    }

    private int atMost(int most, String key) {
        return atMost(most, json.requireInt(key), key);
    }

    private int atMost(int most, int value, String key) {
        if (value < 1) {
            throw json.unexpected(key, "a positive integer", value);
        }
        if (value > most) {
            throw json.unexpected(key, "at most " + most, value);
        }
        return value;
    }
}
