package io.moetier.runtime.trace;

import io.moetier.storage.format.JsonObject;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The first line of a routing trace.
///
/// @param lossy the options that made the model choose other experts than it was trained to, if there were some
public record TraceHeader(String model, Shape shape, Contents contents, Origin origin, Optional<String> lossy) {
    /// The format's name, which changes when old readers could no longer read it.
    public static final String FORMAT = "moe-trace/1";

    /// Layers and experts that a header can name at most.
    public static final int MAX_INDEX = 1 << 16;

    /// Thirty times what the largest models have; a damaged header must not fill the memory.
    private static final int MOST_EXPERTS = 1 << 20;

    /// The layers with experts.
    ///
    /// @param experts routed experts of each of them
    /// @param topK most experts that a token chooses in a layer
    /// @param moeLayerIndices the decoder layer that each of them is, as the token lines list them
    public record Shape(int experts, int topK, List<Integer> moeLayerIndices) {
        /// @throws IllegalArgumentException if a number is out of its range
        public Shape {
            moeLayerIndices = List.copyOf(moeLayerIndices);
            int layers = moeLayerIndices.size();
            require(layers >= 1 && layers <= MAX_INDEX, "layers", layers);
            require(experts >= 1 && experts <= MAX_INDEX, "experts", experts);
            require(topK >= 1 && topK <= experts, "top_k", topK);
        }
    }

    /// What comes behind the header.
    ///
    /// @param tokens token lines
    /// @param imageTokens those of them that are images'
    /// @param requests distinct requests among them
    /// @param hasWeights whether choices have weights
    /// @param fewerExperts whether a token may have fewer than the most experts in a layer
    public record Contents(long tokens, long imageTokens, long requests, boolean hasWeights, boolean fewerExperts) {
        /// No tokens yet.
        public static final Contents NONE = new Contents(0, 0, 0, true, false);

        /// @throws IllegalArgumentException if a number is out of its range
        public Contents {
            require(tokens >= 0, "tokens", tokens);
            require(imageTokens >= 0 && imageTokens <= tokens, "image_tokens", imageTokens);
            require(requests >= 0, "requests", requests);
        }
    }

    /// Where a trace is from.
    ///
    /// @param weightsNote what the weights are
    public record Origin(String source, String licence, String workload, String weightsNote, String notes) {}

    /// Returns the header of a recording of the model, with nothing in it yet.
    public static TraceHeader of(String model, int experts, int topK, List<Integer> moeLayerIndices, String workload) {
        return new TraceHeader(
                model,
                new Shape(experts, topK, moeLayerIndices),
                Contents.NONE,
                new Origin("recorded by moetier", "", workload, "as the router applied them", ""),
                Optional.empty());
    }

    /// Returns how many layers with experts there are.
    public int layers() {
        return shape.moeLayerIndices().size();
    }

    /// Returns how many routed experts each of those layers has.
    public int experts() {
        return shape.experts();
    }

    /// Returns the most experts that a token chooses in a layer.
    public int topK() {
        return shape.topK();
    }

    /// Returns the decoder layer that each layer with experts is.
    public List<Integer> moeLayerIndices() {
        return shape.moeLayerIndices();
    }

    /// Returns how many token lines there are.
    public long tokens() {
        return contents.tokens();
    }

    /// Returns how many of them are of images.
    public long imageTokens() {
        return contents.imageTokens();
    }

    /// Returns whether a token may have fewer than [#topK()] experts in a layer.
    public boolean fewerExperts() {
        return contents.fewerExperts();
    }

    /// Returns this header saying that the model was not run as it was trained, if there are such options.
    public TraceHeader withLossy(Optional<String> options) {
        return new TraceHeader(model, shape, contents, origin, options);
    }

    /// Returns the header of these contents.
    TraceHeader withContents(Contents found) {
        Origin noted = found.hasWeights()
                ? origin
                : new Origin(origin.source(), origin.licence(), origin.workload(), "", origin.notes());
        return new TraceHeader(model, shape, found, noted, lossy);
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
                new Shape(experts, inRange(json, "top_k", experts), layerIndices(json, layers)),
                contents(json),
                origin(json),
                json.optionalString("lossy"));
    }

    private static Contents contents(JsonObject json) {
        long tokens = count(json, "tokens");
        long imageTokens = json.has("image_tokens") ? count(json, "image_tokens") : 0;
        if (imageTokens > tokens) {
            throw json.unexpected("image_tokens", "at most " + tokens + ", as there are tokens", imageTokens);
        }
        return new Contents(
                tokens,
                imageTokens,
                count(json, "requests"),
                json.optionalBoolean("has_weights").orElse(false),
                json.optionalBoolean("fewer_experts").orElse(false));
    }

    private static Origin origin(JsonObject json) {
        return new Origin(
                json.optionalString("source").orElse(""),
                json.optionalString("licence").orElse(""),
                json.optionalString("workload").orElse(""),
                json.optionalString("weights_note").orElse(""),
                json.optionalString("notes").orElse(""));
    }

    Map<String, Object> toMap() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("format", FORMAT);
        fields.put("model", model);
        fields.put("layers", layers());
        fields.put("experts", experts());
        fields.put("top_k", topK());
        fields.put("moe_layer_indices", moeLayerIndices());
        fields.put("source", origin.source());
        fields.put("licence", origin.licence());
        fields.put("workload", origin.workload());
        fields.put("tokens", contents.tokens());
        if (contents.imageTokens() > 0) {
            fields.put("image_tokens", contents.imageTokens());
        }
        fields.put("requests", contents.requests());
        fields.put("has_weights", contents.hasWeights());
        if (contents.fewerExperts()) {
            fields.put("fewer_experts", true);
        }
        lossy.ifPresent(options -> fields.put("lossy", options));
        fields.put("weights_note", origin.weightsNote());
        fields.put("notes", origin.notes());
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
