package io.moetier.runtime.model.family;

import io.moetier.kernels.device.FfnActivation.LimitedSwiGlu;
import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.GroupedAttention;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.describe.SwiGlu;
import io.moetier.runtime.model.gguf.GgufRule;
import io.moetier.runtime.model.spec.AttentionSpec;
import io.moetier.runtime.model.spec.FeedForwardSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import io.moetier.storage.format.JsonObject;
import java.util.Map;
import java.util.Optional;

/// K-EXAONE (LG AI Research 2026, arXiv:2601.01739): the routing of DeepSeek-V3, and layers that slide and are rotated
/// between full ones without positions. In K-EXAONE 2.0 windows differ between layers, and the last ones limit SwiGLU.
final class ExaoneMoe {
    private static final String WINDOW = "sliding_window";
    private static final String WINDOWS = "sliding_windows";
    private static final String PERIOD = "sliding_window_pattern";
    private static final String LIMITS = "swiglu_limits";
    private static final String DENSE = "first_k_dense_replace";

    static final Family FAMILY = new Family(
            "exaone_moe",
            Map.ofEntries(
                    Map.entry("rms_norm_eps", 1e-5),
                    Map.entry("rope_theta", 1e4),
                    Map.entry("num_key_value_heads", 32),
                    Map.entry(WINDOW, 4096),
                    Map.entry(PERIOD, 4),
                    Map.entry(DENSE, 1),
                    Map.entry("num_experts", 64),
                    Map.entry("num_experts_per_tok", 8),
                    Map.entry("num_shared_experts", 1),
                    Map.entry("n_group", 1),
                    Map.entry("topk_group", 1),
                    Map.entry("norm_topk_prob", true),
                    Map.entry("routed_scaling_factor", 2.5)),
            ExaoneMoe::model,
            Optional.of(GgufRule.of("exaone-moe")
                    .sigmoid()
                    .routedAsDeepseek()
                    .takes("num_shared_experts", "expert_shared_count")
                    .needs(WINDOW, "attention.sliding_window")
                    .takes(PERIOD, "attention.sliding_window_pattern")));

    private ExaoneMoe() {}

    private static ModelSpec model(FamilyConfig config) {
        config.requireWord("scoring_func", "sigmoid");
        config.requireWord("topk_method", "noaux_tc");
        config.requireNone("attention_bias", "bias", "mlp_bias");
        requireDenseAsEver(config);
        return Decoder.of(config).layers(ExaoneMoe::layer);
    }

    /// The first files have another name for the number, too.
    private static void requireDenseAsEver(FamilyConfig config) {
        int expected = config.json().requireInt(DENSE);
        config.json()
                .optionalInt("first_last_k_dense_replace")
                .filter(found -> found != expected)
                .ifPresent(found -> {
                    throw config.json()
                            .unexpected("first_last_k_dense_replace", expected + ", as " + DENSE + " says", found);
                });
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                SublayerSpec.preNorm(config.rms(layer.name("input_layernorm")), attention(layer)),
                SublayerSpec.preNorm(config.rms(layer.name("post_attention_layernorm")), feedForward(layer)));
    }

    /// Where no layer may slide, all are rotated.
    private static AttentionSpec attention(Layer layer) {
        GroupedAttention attention = GroupedAttention.of(layer, "self_attn").normPerHead("q_norm", "k_norm");
        if (slides(layer)) {
            return attention.window(window(layer)).spec();
        }
        return layer.config().json().has(WINDOW)
                ? attention.rope(Optional.empty()).spec()
                : attention.spec();
    }

    private static boolean slides(Layer layer) {
        JsonObject json = layer.config().json();
        boolean otherwise = !json.has("layer_types")
                && (json.has(WINDOWS)
                        ? windowOfItsOwn(layer) > 0
                        : json.has(WINDOW) && !layer.isLastOf(layer.config().positive(PERIOD)));
        boolean slides = layer.isOfType("sliding_attention", "full_attention", otherwise);
        if (json.has(WINDOWS) && slides != windowOfItsOwn(layer) > 0) {
            throw json.unexpected(
                    WINDOWS,
                    (slides ? "a window" : "0") + " for layer " + layer.index() + ", as layer_types says",
                    windowOfItsOwn(layer));
        }
        return slides;
    }

    private static int window(Layer layer) {
        int ofAll = layer.config().positive(WINDOW);
        return layer.config().json().has(WINDOWS) ? windowOfItsOwn(layer) : ofAll;
    }

    private static int windowOfItsOwn(Layer layer) {
        JsonObject json = layer.config().json();
        int window = layer.of(json.optionalInts(WINDOWS).orElseThrow(), WINDOWS);
        if (window < 0) {
            throw json.unexpected(WINDOWS, "0 or more", window);
        }
        return window;
    }

    private static FeedForwardSpec feedForward(Layer layer) {
        FamilyConfig config = layer.config();
        boolean dense = layer.isDenseByType();
        layer.flag("is_moe_layer").filter(sparse -> sparse == dense).ifPresent(sparse -> {
            throw config.json()
                    .unexpected(
                            "is_moe_layer",
                            !sparse + " for layer " + layer.index() + ", as mlp_layer_types or " + DENSE + " says",
                            sparse);
        });
        SwiGlu mlp = mlp(layer);
        return dense
                ? mlp.spec(layer.name("mlp"), config.hiddenSize(), config.siluWidth("intermediate_size"))
                : Mixture.of(layer, "mlp")
                        .withoutAuxiliaryLoss()
                        .correction("e_score_correction_bias")
                        .experts(mlp, config.siluWidth("moe_intermediate_size"))
                        .sharedOfWidth("shared_experts", mlp, "num_shared_experts", "moe_intermediate_size")
                        .spec();
    }

    private static SwiGlu mlp(Layer layer) {
        JsonObject json = layer.config().json();
        if (!json.has(LIMITS)) {
            return SwiGlu.PROJ;
        }
        double limit = layer.of(json.requireDoubles(LIMITS), LIMITS);
        if (!(limit == 0 || (limit >= Float.MIN_NORMAL && limit <= Float.MAX_VALUE))) {
            throw json.unexpected(LIMITS, "0, or a number above 0 that 32 bits hold", limit);
        }
        return limit == 0 ? SwiGlu.PROJ : SwiGlu.PROJ.activated(new LimitedSwiGlu((float) limit));
    }
}
