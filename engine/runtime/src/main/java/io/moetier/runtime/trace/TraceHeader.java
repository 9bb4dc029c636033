package io.moetier.runtime.trace;

import io.moetier.storage.format.JsonObject;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The first line of a routing trace.
///
/// @param layers MoE layers, which the token lines list in order
/// @param experts routed experts of each of those layers
/// @param topK most experts that a token chooses in a layer
/// @param moeLayerIndices the decoder layer that each MoE layer is
/// @param tokens token lines
/// @param requests distinct requests among them
/// @param fewerExperts whether a token may have fewer than `topK` experts in a layer
/// @param lossy the options that made the model choose other experts than it was trained to, if there were some
public record TraceHeader(
        String model,
        int layers,
        int experts,
        int topK,
        List<Integer> moeLayerIndices,
        String source,
        String licence,
        String workload,
        long tokens,
        long requests,
        boolean hasWeights,
        boolean fewerExperts,
        Optional<String> lossy,
        String weightsNote,
        String notes) {
    /// The format's name, which changes when old readers could no longer read it.
    public static final String FORMAT = "moe-trace/1";

    /// Layers and experts that a header can name at most.
    public static final int MAX_INDEX = 1 << 16;

    /// Thirty times what the largest models have; a damaged header must not fill the memory.
    private static final int MOST_EXPERTS = 1 << 20;

    /// @throws IllegalArgumentException if a number is out of its range or there is not one index per layer
    public TraceHeader {
        moeLayerIndices = List.copyOf(moeLayerIndices);
        require(layers >= 1 && layers <= MAX_INDEX, "layers", layers);
        require(experts >= 1 && experts <= MAX_INDEX, "experts", experts);
        require(topK >= 1 && topK <= experts, "top_k", topK);
        require(tokens >= 0, "tokens", tokens);
        require(requests >= 0, "requests", requests);
        require(moeLayerIndices.size() == layers, "number of moe_layer_indices", moeLayerIndices.size());
    }

    /// Returns the header of a recording of the model, with nothing in it yet.
    public static TraceHeader of(String model, int experts, int topK, List<Integer> moeLayerIndices, String workload) {
        return new TraceHeader(
                model,
                moeLayerIndices.size(),
                experts,
                topK,
                moeLayerIndices,
                "recorded by moetier",
                "",
                workload,
                0,
                0,
                true,
                false,
                Optional.empty(),
                "as the router applied them",
                "");
    }

    /// Returns this header saying that the model was not run as it was trained, if there are such options.
    public TraceHeader withLossy(Optional<String> options) {
        return new TraceHeader(
                model,
                layers,
                experts,
                topK,
                moeLayerIndices,
                source,
                licence,
                workload,
                tokens,
                requests,
                hasWeights,
                fewerExperts,
                options,
                weightsNote,
                notes);
    }

    TraceHeader withCounts(long tokens, long requests, boolean hasWeights, boolean fewerExperts) {
        return new TraceHeader(
                model,
                layers,
                experts,
                topK,
                moeLayerIndices,
                source,
                licence,
                workload,
                tokens,
                requests,
                hasWeights,
                fewerExperts,
                lossy,
                hasWeights ? weightsNote : "",
                notes);
    }

    static TraceHeader parse(JsonObject json) {
        Optional<String> format = json.optionalString("format");
        if (!format.equals(Optional.of(FORMAT))) {
            throw json.unexpected("format", FORMAT, format.orElse(null));
        }
        int layers = inRange(json, "layers", MAX_INDEX);
        int experts = inRange(json, "experts", MAX_INDEX);
        if ((long) layers * experts > MOST_EXPERTS) {
            throw json.unexpected("layers times experts", "at most " + MOST_EXPERTS, (long) layers * experts);
        }
        return new TraceHeader(
                json.requireString("model"),
                layers,
                experts,
                inRange(json, "top_k", experts),
                layerIndices(json, layers),
                json.optionalString("source").orElse(""),
                json.optionalString("licence").orElse(""),
                json.optionalString("workload").orElse(""),
                count(json, "tokens"),
                count(json, "requests"),
                json.optionalBoolean("has_weights").orElse(false),
                json.optionalBoolean("fewer_experts").orElse(false),
                json.optionalString("lossy"),
                json.optionalString("weights_note").orElse(""),
                json.optionalString("notes").orElse(""));
    }

    Map<String, Object> toMap() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("format", FORMAT);
        fields.put("model", model);
        fields.put("layers", layers);
        fields.put("experts", experts);
        fields.put("top_k", topK);
        fields.put("moe_layer_indices", moeLayerIndices);
        fields.put("source", source);
        fields.put("licence", licence);
        fields.put("workload", workload);
        fields.put("tokens", tokens);
        fields.put("requests", requests);
        fields.put("has_weights", hasWeights);
        if (fewerExperts) {
            fields.put("fewer_experts", true);
        }
        lossy.ifPresent(options -> fields.put("lossy", options));
        fields.put("weights_note", weightsNote);
        fields.put("notes", notes);
        return fields;
    }

    private static List<Integer> layerIndices(JsonObject json, int layers) {
        List<Integer> indices = json.optionalInts("moe_layer_indices")
                .orElseThrow(() -> json.unexpected("moe_layer_indices", "a list of integers", null));
        if (indices.size() != layers) {
            throw json.unexpected("moe_layer_indices", layers + " integers", indices.size());
        }
        int previous = -1;
        for (int index : indices) {
            if (index <= previous || index >= MAX_INDEX / 2) {
                throw json.unexpected("moe_layer_indices", "rising layer numbers", indices);
            }
            previous = index;
        }
        return indices;
    }

    private static int inRange(JsonObject json, String key, int max) {
        int value = json.requireInt(key);
        if (value < 1 || value > max) {
            throw json.unexpected(key, "a number from 1 to " + max, value);
        }
        return value;
    }

    private static long count(JsonObject json, String key) {
        long value = json.requireLong(key);
        if (value < 0) {
            throw json.unexpected(key, "a number from 0", value);
        }
        return value;
    }

    private static void require(boolean condition, String name, Object value) {
        if (!condition) {
            throw new IllegalArgumentException("trace header: " + name + " cannot be " + value);
        }
    }
}
