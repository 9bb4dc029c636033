package io.moetier.runtime.model.family;

import io.moetier.kernels.device.FfnActivation;
import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.ExpertStorage;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.FusedSwiGlu;
import io.moetier.runtime.model.describe.GemmaVision;
import io.moetier.runtime.model.describe.GroupedAttention;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.describe.SwiGlu;
import io.moetier.runtime.model.gguf.GgufRule;
import io.moetier.runtime.model.spec.AttentionSpec;
import io.moetier.runtime.model.spec.DenseSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.model.spec.ResidualSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.Map;
import java.util.Optional;

/// The language model of Gemma 4 with experts (Google 2026): norms around every block, an MLP and a mixture of experts
/// whose results are summed, and layers of full attention with heads of their own size, whose keys are the values.
final class Gemma4 {
    private static final Map<String, Object> DEFAULTS = Map.ofEntries(
            Map.entry("rms_norm_eps", 1e-6),
            Map.entry("max_position_embeddings", 131072),
            Map.entry("hidden_activation", "gelu_pytorch_tanh"),
            Map.entry("head_dim", 256),
            Map.entry("global_head_dim", 512),
            Map.entry("sliding_window", 512),
            Map.entry("final_logit_softcapping", 0),
            Map.entry("tie_word_embeddings", true));

    private static final Map<String, String> SLIDING = Map.of("rope_parameters", "rope_parameters.sliding_attention");
    private static final Map<String, String> FULL = Map.of("rope_parameters", "rope_parameters.full_attention");

    /// Of layers of full attention, unless each says for itself.
    private static final Map<String, String> GLOBAL = Map.of("head_dim", "global_head_dim");

    /// Of those whose keys are the values.
    private static final Map<String, String> SHARING = Map.of("num_key_value_heads", "num_global_key_value_heads");

    /// Checkpoints with a tower for images.
    static final Family MULTIMODAL = new Family("gemma4", Map.of(), Gemma4::multimodal, Optional.empty());

    static final Family TEXT = new Family(
            "gemma4_text",
            DEFAULTS,
            config -> model(config, "model."),
            Optional.of(GgufRule.of("gemma4")
                    .needs("top_k_experts", "expert_used_count")
                    .needs("moe_intermediate_size", "expert_feed_forward_length")
                    .needs("head_dim", "attention.key_length_swa")
                    .needs("global_head_dim", "attention.key_length")
                    .takes("final_logit_softcapping", "final_logit_softcapping")
                    .takes("hidden_size_per_layer_input", "embedding_length_per_layer_input")
                    .takes("num_kv_shared_layers", "attention.shared_kv_layers")
                    .says("enable_moe_block", true)
                    .slidingOr("sliding_attention", "full_attention")));

    private static final ExpertStorage EXPERTS = FusedSwiGlu.halves("experts.gate_up_proj", "experts.down_proj")
            .orEach(SwiGlu.PROJ)
            .with(FfnActivation.GEGLU);

    private Gemma4() {}

    private static ModelSpec multimodal(FamilyConfig config) {
        ModelSpec text = model(config.textModel().withDefaults(DEFAULTS), "model.language_model.");
        return GemmaVision.of(
                        config, "model.vision_tower.", "model.embed_vision.embedding_projection", text.hiddenSize())
                .map(text::with)
                .orElse(text);
    }

    private static ModelSpec model(FamilyConfig config, String prefix) {
        config.requireWord("hidden_activation", "gelu_pytorch_tanh");
        config.requireOn("enable_moe_block", "true, as models without experts are not supported");
        config.requireNone("hidden_size_per_layer_input", "num_kv_shared_layers");
        return Decoder.of(config)
                .named(prefix + "embed_tokens", prefix + "layers.")
                .embeddingTimesRootOfSize(true)
                .finalNorm(config.rms(prefix + "norm"))
                .softCap(config.number("final_logit_softcapping"))
                .layers(Gemma4::layer);
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                        SublayerSpec.sandwich(
                                config.rms(layer.name("input_layernorm")),
                                attention(layer),
                                config.rms(layer.name("post_attention_layernorm"))),
                        SublayerSpec.sandwich(
                                        config.rms(layer.name("pre_feedforward_layernorm")),
                                        mlp(layer),
                                        config.rms(layer.name("post_feedforward_layernorm_1")))
                                .with(ResidualSpec.WITH_NEXT),
                        SublayerSpec.sandwich(
                                        config.rms(layer.name("pre_feedforward_layernorm_2")),
                                        mixture(layer),
                                        config.rms(layer.name("post_feedforward_layernorm_2")))
                                .addedToTheLast(config.rms(layer.name("post_feedforward_layernorm"))))
                .times(VectorSpec.of(layer.name("layer_scalar"), 1));
    }

    private static AttentionSpec attention(Layer layer) {
        boolean last = layer.index() == layer.config().numLayers() - 1; // which sees all, whatever the list says
        boolean slides = layer.isOfType("sliding_attention", "full_attention", !layer.isLastOf(6)) && !last;
        boolean shares = !slides && layer.config().flag("attention_k_eq_v");
        FamilyConfig config = heads(layer, slides, shares).renamed(slides ? SLIDING : FULL);
        return GroupedAttention.of(new Layer(config, layer.index(), layer.prefix()), "self_attn")
                .bias(config.flag("attention_bias"), config.flag("attention_bias"))
                .normPerHead("q_norm", "k_norm")
                .valueNormWithoutWeight()
                .keysAsValues(shares)
                .scale(1)
                .window(slides ? config.slidingWindow() : 0)
                .wholeImages(slides && seesWholeImages(config))
                .spec();
    }

    /// Returns the configuration with the heads of a layer, which transformers writes for each layer since 5.15.
    private static FamilyConfig heads(Layer layer, boolean slides, boolean shares) {
        FamilyConfig config = layer.config();
        return config.json().has("per_layer_config")
                ? config.ofLayer(layer.index())
                : config.renamed(slides ? Map.of() : GLOBAL).renamed(shares ? SHARING : Map.of());
    }

    private static boolean seesWholeImages(FamilyConfig config) {
        config.requireWord("use_bidirectional_attention", "vision");
        return config.json().has("use_bidirectional_attention");
    }

    private static DenseSpec mlp(Layer layer) {
        FamilyConfig config = layer.config();
        return SwiGlu.PROJ
                .spec(layer.name("mlp"), config.hiddenSize(), config.positive("intermediate_size"))
                .with(FfnActivation.GEGLU);
    }

    private static MoeSpec mixture(Layer layer) {
        FamilyConfig config = layer.config();
        return Mixture.of(layer, "", "num_experts", "top_k_experts")
                .router("router.proj")
                .routerNorm("router.scale", (float) (1 / Math.sqrt(config.hiddenSize())))
                .renormalise(true)
                .factors("router.per_expert_scale")
                .experts(EXPERTS, config.positive("moe_intermediate_size"))
                .spec();
    }
}
