package io.moetier.runtime.model.family;

import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.describe.MultiHeadLatentAttention;
import io.moetier.runtime.model.describe.SwiGlu;
import io.moetier.runtime.model.gguf.GgufRule;
import io.moetier.runtime.model.spec.FeedForwardSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import java.util.Map;
import java.util.Optional;

/// GLM-5 (Z.ai 2026): the attention, the indexer and the routing of DeepSeek-V3.2. In some models most layers take over
/// what an indexer before them has chosen.
final class GlmMoeDsa {
    static final Family FAMILY = new Family(
            "glm_moe_dsa",
            Map.ofEntries(
                    Map.entry("rms_norm_eps", 1e-5),
                    Map.entry("rope_theta", 1e6),
                    Map.entry("rope_interleave", true),
                    Map.entry("n_group", 1),
                    Map.entry("topk_group", 1),
                    Map.entry("norm_topk_prob", true),
                    Map.entry("routed_scaling_factor", 2.5),
                    Map.entry("first_k_dense_replace", 3),
                    Map.entry("n_shared_experts", 1),
                    Map.entry("indexer_rope_interleave", true),
                    Map.entry("index_topk_freq", 1),
                    Map.entry("index_skip_topk_offset", 2)),
            GlmMoeDsa::model,
            Optional.of(
                    GgufRule.of("glm-dsa").sigmoid().routedAsDeepseek().latent().indexed()));

    private GlmMoeDsa() {}

    private static ModelSpec model(FamilyConfig config) {
        return Decoder.of(config).layers(GlmMoeDsa::layer);
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                SublayerSpec.preNorm(
                        config.rms(layer.name("input_layernorm")),
                        MultiHeadLatentAttention.of(layer, "self_attn")
                                .interleaved(config.flag("rope_interleave"))
                                .indexed(layer.hasIndexer())
                                .spec()),
                SublayerSpec.preNorm(config.rms(layer.name("post_attention_layernorm")), feedForward(layer)));
    }

    private static FeedForwardSpec feedForward(Layer layer) {
        FamilyConfig config = layer.config();
        return layer.isDenseByType()
                ? SwiGlu.PROJ.spec(layer.name("mlp"), config.hiddenSize(), config.siluWidth("intermediate_size"))
                : Mixture.of(layer, "mlp", "n_routed_experts", "num_experts_per_tok")
                        .withoutAuxiliaryLoss()
                        .experts(SwiGlu.PROJ, config.siluWidth("moe_intermediate_size"))
                        .sharedOfWidth("shared_experts", SwiGlu.PROJ, "n_shared_experts", "moe_intermediate_size")
                        .spec();
    }
}
