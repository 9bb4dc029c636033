package io.moetier.runtime.model.describe;

import io.moetier.kernels.device.Activation;
import io.moetier.runtime.model.spec.QkNormSpec;
import io.moetier.runtime.model.spec.VisionSpec;
import io.moetier.runtime.model.spec.VisionSpec.Attention;
import io.moetier.runtime.model.spec.VisionSpec.Branch;
import io.moetier.runtime.model.spec.VisionSpec.ImageToken;
import io.moetier.runtime.model.spec.VisionSpec.Learned;
import io.moetier.runtime.model.spec.VisionSpec.Merger;
import io.moetier.runtime.model.spec.VisionSpec.Mlp;
import io.moetier.runtime.model.spec.VisionSpec.Patches;
import io.moetier.runtime.model.spec.VisionSpec.Positions;
import io.moetier.runtime.model.spec.VisionSpec.Reach;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.ProjectionsSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/// Describes the vision tower of InternVL (Chen et al. 2023, arXiv:2312.14238), whose sizes are under `vision_config`,
/// and its projector.
public final class InternVision {
    private static final float PROJECTOR_EPS = 1e-5f; // constants of the reference, which no configuration has
    private static final float QUERY_KEY_EPS = 1e-6f;
    private static final Map<String, Object> DEFAULTS =
            Map.of("layer_norm_eps", 1e-6, "norm_type", "layer_norm", "num_channels", 3, "use_mean_pooling", true);

    private final FamilyConfig config;
    private final String prefix;
    private final int hidden;
    private final int grid; // patches along a side of a tile
    private final boolean biased;
    private final boolean rms;

    private InternVision(FamilyConfig config, String prefix) {
        this.config = config;
        this.prefix = prefix;
        hidden = config.hiddenSize();
        biased = config.flag("attention_bias");
        config.requireWord("hidden_act", "gelu");
        rms = config.json().requireString("norm_type").equals("rms_norm");
        if (!rms) {
            config.requireWord("norm_type", "layer_norm");
        }
        VisionTensors.requireSwitch(config, "use_mean_pooling", true);
        VisionTensors.requireSwitch(config, "use_absolute_position_embeddings", true);
        grid = VisionTensors.grid(config);
    }

    /// Returns the tower of a model, if the configuration has one.
    ///
    /// @param model the whole configuration
    /// @param prefix what the names of its tensors start with
    /// @param projector what those of the projector start with
    /// @param textHidden elements of a row of the text model's residual stream
    public static Optional<VisionSpec> of(FamilyConfig model, String prefix, String projector, int textHidden) {
        if (!model.json().has("vision_config")) {
            return Optional.empty();
        }
        VisionTensors.requireLastLayer(model);
        model.requireWord("projector_hidden_act", "gelu");
        FamilyConfig vision = model.nested("vision_config").withDefaults(DEFAULTS);
        int side = VisionTensors.mergedSide(model, "downsample_ratio");
        return Optional.of(
                new InternVision(vision, prefix).spec(model.positive("image_token_id"), side, projector, textHidden));
    }

    private VisionSpec spec(int imageToken, int mergedSide, String projector, int textHidden) {
        VisionTensors.requireSquares(config, grid, mergedSide);
        int merged = config.times(mergedSide * mergedSide, "hidden_size", hidden);
        String embeddings = prefix + "embeddings.";
        int size = VisionTensors.side(config, "patch_size");
        Patches patches = new Patches(
                VisionTensors.patches(
                        embeddings + "patch_embeddings.projection",
                        hidden,
                        config.positive("num_channels"),
                        size,
                        size),
                size,
                mergedSide,
                Optional.of(VisionTensors.vector(embeddings + "cls_token", 1, 1, hidden)),
                Optional.empty());
        int places = grid * grid + 1;
        config.times(places, "hidden_size", hidden);
        Learned learned = new Learned(
                VisionTensors.vector(embeddings + "position_embeddings", 1, places, hidden),
                grid,
                Reach.ONE_SIZE_BEHIND_CLASS);
        return new VisionSpec(
                new ImageToken(imageToken, false),
                patches,
                new Positions(learned, Optional.empty()),
                IntStream.range(0, config.numLayers()).mapToObj(this::layer).toList(),
                new Merger(
                        NormSpec.layer(projector + "layer_norm", merged, PROJECTOR_EPS, true),
                        new Mlp(
                                Activation.GELU,
                                List.of(
                                        LinearSpec.named(projector + "linear_1", textHidden, merged, true),
                                        LinearSpec.named(projector + "linear_2", textHidden, textHidden, true)))),
                List.of());
    }

    private VisionSpec.Layer layer(int number) {
        String name = prefix + "encoder.layer." + number + ".";
        String attention = name + "attention.";
        int width = config.positive("intermediate_size");
        return new VisionSpec.Layer(
                branch(name + "layernorm_before", name + "lambda_1"),
                new Attention(
                        new ProjectionsSpec(
                                LinearSpec.named(attention + "q_proj", hidden, hidden, biased),
                                LinearSpec.named(attention + "k_proj", hidden, hidden, biased),
                                LinearSpec.named(attention + "v_proj", hidden, hidden, biased),
                                LinearSpec.named(attention + "projection_layer", hidden, hidden, true)),
                        VisionTensors.heads(config, "num_attention_heads", 1),
                        config.flag("use_qk_norm")
                                ? Optional.of(new QkNormSpec(
                                        NormSpec.rms(attention + "q_norm", hidden, QUERY_KEY_EPS),
                                        NormSpec.rms(attention + "k_norm", hidden, QUERY_KEY_EPS),
                                        false,
                                        false))
                                : Optional.empty(),
                        Optional.empty()),
                branch(name + "layernorm_after", name + "lambda_2"),
                new Mlp(
                        Activation.GELU,
                        List.of(
                                LinearSpec.named(name + "mlp.fc1", width, hidden, true),
                                LinearSpec.named(name + "mlp.fc2", hidden, width, true))));
    }

    private Branch branch(String norm, String scale) {
        float eps = VisionTensors.eps(config, "layer_norm_eps");
        return new Branch(
                rms ? NormSpec.rms(norm, hidden, eps) : NormSpec.layer(norm, hidden, eps, true),
                Optional.empty(),
                Optional.of(VectorSpec.of(scale, hidden)));
    }
}
