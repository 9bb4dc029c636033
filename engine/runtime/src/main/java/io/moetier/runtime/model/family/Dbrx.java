package io.moetier.runtime.model.family;

import io.moetier.kernels.device.Routing.Normalisation;
import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.GroupedAttention;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.describe.StackedSwiGlu;
import io.moetier.runtime.model.gguf.GgufRule;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import java.util.Map;
import java.util.Optional;

/// DBRX (Databricks 2024): layer norms without bias, clipped queries, keys and values.
final class Dbrx {
    private static final float EPS = 1e-5f;
    private static final Map<String, String> NAMES = Map.ofEntries(
            Map.entry("hidden_size", "d_model"),
            Map.entry("num_attention_heads", "n_heads"),
            Map.entry("num_hidden_layers", "n_layers"),
            Map.entry("max_position_embeddings", "max_seq_len"),
            Map.entry("num_key_value_heads", "attn_config.kv_n_heads"),
            Map.entry("rope_theta", "attn_config.rope_theta"),
            Map.entry("clip_qkv", "attn_config.clip_qkv"),
            Map.entry("hidden_act", "ffn_config.ffn_act_fn.name"),
            Map.entry("intermediate_size", "ffn_config.ffn_hidden_size"),
            Map.entry("num_experts", "ffn_config.moe_num_experts"),
            Map.entry("num_experts_per_tok", "ffn_config.moe_top_k"),
            Map.entry("weight_norm", "ffn_config.moe_normalize_expert_weights"));
    private static final Map<String, Object> DEFAULTS = Map.of(
            "num_key_value_heads",
            1,
            "rope_theta",
            1e4,
            "intermediate_size",
            3584,
            "num_experts",
            4,
            "num_experts_per_tok",
            1,
            "max_position_embeddings",
            2048);

    static final Family FAMILY = new Family(
            "dbrx",
            Map.of(),
            Dbrx::model,
            Optional.of(GgufRule.of("dbrx")
                    .needs("intermediate_size", "feed_forward_length")
                    .named("ffn_norm", "attn_output_norm")));

    private Dbrx() {}

    private static ModelSpec model(FamilyConfig config) {
        FamilyConfig renamed = config.renamed(NAMES).withDefaults(DEFAULTS);
        return Decoder.of(renamed)
                .named("transformer.wte", "transformer.blocks.")
                .finalNorm(NormSpec.layer("transformer.norm_f", renamed.hiddenSize(), EPS, false))
                .layers(Dbrx::layer);
    }

    private static LayerSpec layer(Layer layer) {
        return LayerSpec.of(
                SublayerSpec.preNorm(
                        norm(layer, "norm_attn_norm.norm_1"),
                        GroupedAttention.of(layer, "norm_attn_norm.attn")
                                .fused("Wqkv", "out_proj")
                                .clip(layer.config()
                                        .json()
                                        .optionalDouble("clip_qkv")
                                        .orElse(0.0))
                                .spec()),
                SublayerSpec.preNorm(
                        norm(layer, "norm_attn_norm.norm_2"),
                        normalised(layer, Mixture.of(layer, "ffn"))
                                .router("router.layer")
                                .experts(
                                        new StackedSwiGlu("experts.mlp.w1", "experts.mlp.v1", "experts.mlp.w2"),
                                        layer.config().siluWidth("intermediate_size"))
                                .spec()));
    }

    private static NormSpec norm(Layer layer, String name) {
        return NormSpec.layer(layer.name(name), layer.config().hiddenSize(), EPS, false);
    }

    /// Weights are divided by their sum where nothing is said, and by nothing where null is.
    private static Mixture normalised(Layer layer, Mixture mixture) {
        boolean isNull = layer.config()
                .json()
                .optionalObject("ffn_config")
                .map(ffn ->
                        ffn.keys().contains("moe_normalize_expert_weights") && !ffn.has("moe_normalize_expert_weights"))
                .orElse(false);
        double order = layer.config().json().optionalDouble("weight_norm").orElse(1.0);
        return isNull ? mixture : mixture.normalise(Normalisation.norm(order));
    }
}
