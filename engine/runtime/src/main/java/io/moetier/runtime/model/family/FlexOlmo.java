package io.moetier.runtime.model.family;

import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.GroupedAttention;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.describe.SwiGlu;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import java.util.Map;
import java.util.Optional;

/// FlexOlmo (Shi et al. 2025, arXiv:2507.07024): results are normalised, inputs are not.
final class FlexOlmo {
    static final Family FAMILY =
            new Family("flex_olmo", Map.of("rms_norm_eps", 1e-6, "rope_theta", 5e5), FlexOlmo::model, Optional.empty());

    private FlexOlmo() {}

    private static ModelSpec model(FamilyConfig config) {
        return Decoder.of(config).layers(FlexOlmo::layer);
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                SublayerSpec.postNorm(
                        GroupedAttention.of(layer, "self_attn")
                                .bias(config.flag("attention_bias"), config.flag("attention_bias"))
                                .normWhole("q_norm", "k_norm")
                                .spec(),
                        config.rms(layer.name("post_attention_layernorm"))),
                SublayerSpec.postNorm(
                        Mixture.of(layer, "mlp")
                                .renormalise(config.flag("norm_topk_prob"))
                                .experts(SwiGlu.PROJ, config.siluWidth("intermediate_size"))
                                .spec(),
                        config.rms(layer.name("post_feedforward_layernorm"))));
    }
}
