package io.moetier.runtime.model.gguf;

import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// What is particular about the GGUF files of a family: which values of the metadata are which keys of `config.json`,
/// and which parts have another name than usual.
///
/// Names and keys are those of llama.cpp (gguf-py).
///
/// @param architecture `general.architecture`
/// @param gatingFunc what `expert_gating_func` has to be, where the file says it
/// @param interleavedHeads whether the rows of queries and keys were reordered for rotating neighbouring pairs
/// @param rotated whether queries and keys are rotated; else what files say of that tells nothing
/// @param values of the metadata
/// @param constants values of keys that the metadata leaves out
/// @param names of parts, by the usual one
public record GgufRule(
        String architecture,
        int gatingFunc,
        boolean interleavedHeads,
        boolean rotated,
        List<Value> values,
        Map<String, Object> constants,
        Map<String, String> names) {
    private static final String GATING = "expert_gating_func";
    private static final String SCALING = "rope_scaling";
    private static final int UNSAID = 0;
    private static final int SOFTMAX = 1;
    private static final int SIGMOID = 2;
    private static final int SQRT_SOFTPLUS = 4;

    /// A key of `config.json`, and what it is called in the metadata after the architecture and a point.
    public record Value(String config, String gguf, boolean required) {}

    /// Starts from files whose experts a softmax chooses, and whose heads are as in a checkpoint.
    public static GgufRule of(String architecture) {
        return new GgufRule(architecture, SOFTMAX, false, true, List.of(), Map.of(), Map.of());
    }

    /// Chooses the experts by sigmoids.
    public GgufRule sigmoid() {
        return new GgufRule(architecture, SIGMOID, interleavedHeads, rotated, values, constants, names);
    }

    /// Chooses the experts by roots of softplus.
    public GgufRule sqrtSoftplus() {
        return new GgufRule(architecture, SQRT_SOFTPLUS, interleavedHeads, rotated, values, constants, names);
    }

    /// Puts rows of queries and keys, which were reordered, back in their places.
    public GgufRule interleaved() {
        return new GgufRule(architecture, gatingFunc, true, rotated, values, constants, names);
    }

    /// Leaves unread how many elements of a head are rotated, as none are.
    public GgufRule unrotated() {
        return new GgufRule(architecture, gatingFunc, interleavedHeads, false, values, constants, names);
    }

    /// Adds a value that the metadata must have.
    public GgufRule needs(String config, String gguf) {
        return with(new Value(config, gguf, true));
    }

    /// Adds a value that the metadata may have.
    public GgufRule takes(String config, String gguf) {
        return with(new Value(config, gguf, false));
    }

    private GgufRule with(Value value) {
        List<Value> more = new ArrayList<>(values);
        more.add(value);
        return new GgufRule(architecture, gatingFunc, interleavedHeads, rotated, more, constants, names);
    }

    /// Sets a key that has the same value in all files, or in those whose metadata has none.
    public GgufRule says(String config, Object value) {
        Map<String, Object> more = new LinkedHashMap<>(constants);
        more.put(config, value);
        return new GgufRule(architecture, gatingFunc, interleavedHeads, rotated, values, more, names);
    }

    /// Sets what `layer_types` calls layers with heads of keys, and those without.
    public GgufRule attentionOr(String attention, String recurrent) {
        return says("layer_types", List.of(attention, recurrent));
    }

    /// Sets what `layer_types` calls layers that slide, and those that do not: their heads are of two sizes, and their
    /// rotations are two.
    public GgufRule slidingOr(String sliding, String full) {
        return slidingOr(sliding, full, "num_key_value_heads", "num_global_key_value_heads");
    }

    /// The same, and under which keys both have their number of heads of keys.
    public GgufRule slidingOr(String sliding, String full, String headsOfSliding, String headsOfFull) {
        return says(GgufWindows.LAYER_TYPES, List.of(sliding, full, headsOfSliding, headsOfFull));
    }

    /// Sets under which key layers that slide have their number of heads of queries, where the metadata lists one for
    /// each layer.
    public GgufRule slidingHeads(String config) {
        return says(GgufWindows.SLIDING_HEADS, config);
    }

    /// Sets which share of what layers that slide rotate the others do.
    public GgufRule rotatedShareOfFull(double share) {
        return says(GgufWindows.SHARE_OF_FULL, share);
    }

    /// Sets what `mlp_layer_types` calls layers without experts, and those with them: tensors tell which they are.
    public GgufRule denseOr(String dense, String sparse) {
        return says(GgufLayers.NETWORKS, List.of(dense, sparse));
    }

    /// Sets what the part that is usually called `usual` is called.
    public GgufRule named(String usual, String name) {
        Map<String, String> more = new LinkedHashMap<>(names);
        more.put(usual, name);
        return new GgufRule(architecture, gatingFunc, interleavedHeads, rotated, values, constants, more);
    }

    /// Returns this rule for files that call the architecture so.
    ///
    /// @param unread keys that mean something else there, after the architecture and a point
    public GgufRule in(String name, Set<String> unread) {
        List<Value> read =
                values.stream().filter(value -> !unread.contains(value.gguf())).toList();
        return new GgufRule(name, gatingFunc, interleavedHeads, rotated, read, constants, names);
    }

    /// Adds the values of groups of experts, and of what becomes of the weights of those chosen, under DeepSeek-V3's
    /// keys.
    public GgufRule grouped() {
        return takes("n_group", "expert_group_count")
                .takes("topk_group", "expert_group_used_count")
                .takes("routed_scaling_factor", "expert_weights_scale")
                .takes("norm_topk_prob", "expert_weights_norm");
    }

    /// Adds the values of routing and shared experts as DeepSeek-V3 has them, under its keys.
    public GgufRule routedAsDeepseek() {
        return needs("n_routed_experts", "expert_count")
                .needs("n_shared_experts", "expert_shared_count")
                .needs("moe_intermediate_size", "expert_feed_forward_length")
                .takes("first_k_dense_replace", "leading_dense_block_count")
                .grouped()
                .says("first_k_dense_replace", 0)
                .says("n_group", 1)
                .says("topk_group", 1)
                .says("routed_scaling_factor", 1.0)
                .says("norm_topk_prob", false);
    }

    /// Adds the values of latent attention. What is called a head there is the latent, of which there is one for all;
    /// the heads that are made of it have keys of their own.
    public GgufRule latent() {
        return needs("kv_lora_rank", "attention.kv_lora_rank")
                .takes("q_lora_rank", "attention.q_lora_rank")
                .needs("qk_rope_head_dim", "rope.dimension_count")
                .takes("v_head_dim", "attention.value_length")
                .takes("v_head_dim", "attention.value_length_mla")
                .takes("qk_head_dim", "attention.key_length")
                .takes("qk_head_dim", "attention.key_length_mla")
                .takes("mscale_tenth", "rope.scaling.yarn_log_multiplier");
    }

    /// Adds by what queries grow with their position.
    public GgufRule tempered() {
        return takes(GgufRope.TEMPERATURE, "attention.temperature_scale")
                .takes(GgufRope.TEMPERATURE_POSITIONS, "attention.temperature_length");
    }

    /// Adds the values of an indexer as DeepSeek-V3.2 has them.
    public GgufRule indexed() {
        return needs("index_n_heads", "attention.indexer.head_count")
                .needs("index_head_dim", "attention.indexer.key_length")
                .needs("index_topk", "attention.indexer.top_k");
    }

    /// Returns what a part is called.
    String name(String usual) {
        return names.getOrDefault(usual, usual);
    }

    /// Returns what a key of the metadata is called.
    String key(String suffix) {
        return architecture + "." + suffix;
    }

    /// @throws MalformedModelException if a file chooses its experts otherwise
    void requireGating(JsonObject metadata) {
        int said = gating(metadata);
        if (said != UNSAID && said != gatingFunc) {
            throw metadata.unexpected(key(GATING), gatingFunc + ", since no other is supported", said);
        }
    }

    private int gating(JsonObject metadata) {
        return metadata.optionalInt(key(GATING)).orElse(UNSAID);
    }

    /// Says whether a value of the metadata becomes a key of the configuration.
    boolean reads(String gguf) {
        return values.stream().anyMatch(value -> value.gguf().equals(gguf));
    }

    /// Returns how positions are stretched by a factor of which a file says no more.
    String unsaidScaling() {
        return constants.get(SCALING) instanceof Map<?, ?> scaling && scaling.get("rope_type") instanceof String type
                ? type
                : "linear";
    }

    /// Says whether all files of the architecture have this value of a key, which they do not say.
    boolean says(String config) {
        return constants.containsKey(config);
    }

    /// Says whether a file of the architecture has all that the rule needs, and experts chosen as it says.
    ///
    /// @param corrected whether the file has corrections of choices: where it does not say how experts are chosen,
    /// these are of sigmoids
    public boolean fits(JsonObject metadata, boolean corrected) {
        int said = gating(metadata);
        return (said == UNSAID ? corrected ? SIGMOID : SOFTMAX : said) == gatingFunc
                && values.stream().allMatch(value -> !value.required() || metadata.has(key(value.gguf())));
    }
}
