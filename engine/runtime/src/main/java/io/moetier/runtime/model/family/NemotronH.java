package io.moetier.runtime.model.family;

import io.moetier.kernels.device.FfnActivation;
import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.GroupedAttention;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.describe.StateSpace;
import io.moetier.runtime.model.describe.UngatedMlp;
import io.moetier.runtime.model.gguf.GgufRule;
import io.moetier.runtime.model.spec.BlockSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Nemotron 3 (NVIDIA 2025): one block in each layer, which is Mamba-2, attention without positions, a mixture of
/// experts or an MLP; experts may work in a narrower space (LatentMoE).
final class NemotronH {
    /// What other families call the keys.
    private static final Map<String, String> NAMES = Map.of(
            "rms_norm_eps", "layer_norm_epsilon",
            "mamba_n_heads", "mamba_num_heads",
            "mamba_d_head", "mamba_head_dim",
            "mamba_n_groups", "n_groups",
            "mamba_d_state", "ssm_state_size",
            "mamba_d_conv", "conv_kernel",
            "mamba_conv_bias", "use_conv_bias");

    static final Family FAMILY = new Family(
            "nemotron_h",
            Map.of(
                    "layer_norm_epsilon",
                    1e-5,
                    "head_dim",
                    128,
                    "num_key_value_heads",
                    8,
                    "use_conv_bias",
                    true,
                    "n_group",
                    1,
                    "topk_group",
                    1,
                    "norm_topk_prob",
                    true,
                    "routed_scaling_factor",
                    1.0),
            NemotronH::model,
            Optional.of(GgufRule.of("nemotron_h_moe")
                    .unrotated()
                    .sigmoid()
                    .needs("n_routed_experts", "expert_count")
                    .takes("moe_intermediate_size", "expert_feed_forward_length")
                    .takes("moe_shared_expert_intermediate_size", "expert_shared_feed_forward_length")
                    .takes("moe_latent_size", "moe_latent_size")
                    .takes("layer_norm_epsilon", "attention.layer_norm_rms_epsilon")
                    .takes("n_group", "expert_group_count")
                    .takes("topk_group", "expert_group_used_count")
                    .takes("routed_scaling_factor", "expert_weights_scale")
                    .takes("norm_topk_prob", "expert_weights_norm")
                    .needs("conv_kernel", "ssm.conv_kernel")
                    .needs("ssm_state_size", "ssm.state_size")
                    .needs("n_groups", "ssm.group_count")
                    .needs("mamba_num_heads", "ssm.time_step_rank")
                    .needs("ssm_inner_size", "ssm.inner_size")
                    .says("n_group", 1)
                    .says("topk_group", 1)
                    .says("mlp_hidden_act", "relu2")
                    .says("use_conv_bias", true)
                    .named("ffn_norm", "attn_norm")));

    private NemotronH() {}

    private static ModelSpec model(FamilyConfig config) {
        config.requireWord("mlp_hidden_act", "relu2");
        FamilyConfig named = counted(config.renamed(NAMES));
        List<String> kinds = kinds(named);
        return Decoder.of(named)
                .named("backbone.embeddings", "backbone.layers.")
                .finalNorm(named.rms("backbone.norm_f"))
                .layers(layer -> LayerSpec.of(
                        SublayerSpec.preNorm(named.rms(layer.name("norm")), block(layer, kinds.get(layer.index())))));
    }

    /// Returns the configuration with the number of layers, which transformers 5 leaves to the list of them.
    private static FamilyConfig counted(FamilyConfig config) {
        return config.json()
                .optionalStrings("layers_block_type")
                .map(kinds -> config.withDefaults(Map.of("num_hidden_layers", kinds.size())))
                .orElse(config);
    }

    /// Returns what each layer is: a list of words, or a letter of a pattern for each.
    private static List<String> kinds(FamilyConfig config) {
        String pattern = "hybrid_override_pattern";
        return config.ofLayers("layers_block_type").orElseGet(() -> {
            List<String> letters = config.json()
                    .requireString(pattern)
                    .chars()
                    .mapToObj(Character::toString)
                    .toList();
            if (letters.size() != config.numLayers()) {
                throw config.json().unexpected(pattern, config.numLayers() + " letters", letters.size());
            }
            return letters;
        });
    }

    private static BlockSpec block(Layer layer, String kind) {
        FamilyConfig config = layer.config();
        boolean biased = config.flag("attention_bias");
        return switch (kind) {
            case "M", "linear_attention" -> StateSpace.mamba2InGroups(layer, "mixer");
            case "*", "full_attention" ->
                GroupedAttention.of(layer, "mixer")
                        .bias(biased, biased)
                        .rope(Optional.empty())
                        .spec();
            case "E", "moe" -> mixture(layer);
            case "-", "mlp" ->
                mlp(config).spec(layer.name("mixer"), config.hiddenSize(), config.positive("intermediate_size"));
            default ->
                throw config.json()
                        .unexpected("layers", "M, E, *, - or linear_attention, moe, full_attention, mlp", kind);
        };
    }

    private static MoeSpec mixture(Layer layer) {
        FamilyConfig config = layer.config();
        Mixture mixture = Mixture.of(layer, "mixer", "n_routed_experts", "num_experts_per_tok")
                .withoutAuxiliaryLoss();
        return config.positiveUnlessNull("moe_latent_size")
                .map(size -> mixture.latent("fc1_latent_proj", "fc2_latent_proj", size))
                .orElse(mixture)
                .experts(mlp(config), config.positive("moe_intermediate_size"))
                .shared(mlp(config)
                        .spec(
                                layer.name("mixer.shared_experts"),
                                config.hiddenSize(),
                                config.positive("moe_shared_expert_intermediate_size")))
                .spec();
    }

    private static UngatedMlp mlp(FamilyConfig config) {
        return new UngatedMlp("experts.", "up_proj", "down_proj", config.flag("mlp_bias"), FfnActivation.SQUARED_RELU);
    }
}
