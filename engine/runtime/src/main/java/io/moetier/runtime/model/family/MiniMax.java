package io.moetier.runtime.model.family;

import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.GroupedAttention;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.describe.RecurrentMixer;
import io.moetier.runtime.model.describe.SwiGlu;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.ResidualSpec;
import io.moetier.runtime.model.spec.ResidualSpec.When;
import io.moetier.runtime.model.spec.SublayerSpec;
import java.util.Map;
import java.util.Optional;

/// MiniMax-01 (MiniMax 2025): lightning attention in most layers, and residuals that carry the normalised input.
final class MiniMax {
    static final Family FAMILY = new Family(
            "minimax",
            Map.ofEntries(
                    Map.entry("rms_norm_eps", 1e-5),
                    Map.entry("rope_theta", 1e6),
                    Map.entry("max_position_embeddings", 131072),
                    Map.entry("num_key_value_heads", 8),
                    Map.entry("num_local_experts", 8),
                    Map.entry("num_experts_per_tok", 2),
                    Map.entry("full_attn_alpha_factor", 1.0),
                    Map.entry("full_attn_beta_factor", 1.0),
                    Map.entry("linear_attn_alpha_factor", 1.0),
                    Map.entry("linear_attn_beta_factor", 1.0),
                    Map.entry("mlp_alpha_factor", 1.0),
                    Map.entry("mlp_beta_factor", 1.0)),
            MiniMax::model,
            Optional.empty());

    private MiniMax() {}

    private static ModelSpec model(FamilyConfig config) {
        return Decoder.of(config).layers(MiniMax::layer);
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                mixer(layer),
                SublayerSpec.preNorm(
                                config.rms(layer.name("post_attention_layernorm")),
                                Mixture.of(layer, "block_sparse_moe")
                                        .renormalise(true)
                                        .experts(SwiGlu.W, config.siluWidth("intermediate_size"))
                                        .spec())
                        .with(residual(config, "mlp")));
    }

    private static SublayerSpec mixer(Layer layer) {
        FamilyConfig config = layer.config();
        boolean linear = layer.isOfType("linear_attention", "full_attention", layer.isLastOf(2));
        return SublayerSpec.preNorm(
                        config.rms(layer.name("input_layernorm")),
                        linear
                                ? RecurrentMixer.lightning(layer, "self_attn")
                                : GroupedAttention.of(layer, "self_attn")
                                        .rope(Optional.of(config.partialRope()))
                                        .window(config.slidingWindow())
                                        .spec())
                .with(residual(config, linear ? "linear_attn" : "full_attn"));
    }

    private static ResidualSpec residual(FamilyConfig config, String sublayer) {
        return new ResidualSpec(
                config.number(sublayer + "_alpha_factor"), config.number(sublayer + "_beta_factor"), true, When.NOW);
    }
}
