package io.moetier.runtime.model.describe;

import io.moetier.kernels.device.Activation;
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
import io.moetier.runtime.model.spec.VisionSpec.Rotation;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.ProjectionsSpec;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/// Describes the vision tower of Llama 4 (Meta 2025), whose sizes are under `vision_config`, and its projector.
public final class LlamaVision {
    private static final Map<String, Object> DEFAULTS =
            Map.of("norm_eps", 1e-5, "num_channels", 3, "pixel_shuffle_ratio", 0.5, "rope_theta", 1e4);

    private final FamilyConfig config;
    private final String prefix;
    private final int hidden;
    private final int grid; // patches along a side of a tile
    private final int mergedSide;

    private LlamaVision(FamilyConfig config, String prefix) {
        this.config = config;
        this.prefix = prefix;
        hidden = config.hiddenSize();
        config.requireWord("hidden_act", "gelu");
        VisionTensors.requireLastLayer(config);
        grid = VisionTensors.grid(config);
        mergedSide = VisionTensors.mergedSide(config, "pixel_shuffle_ratio");
        VisionTensors.requireSquares(config, grid, mergedSide);
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
        int token = model.alias("image_token_index", "image_token_id").positive("image_token_id");
        return Optional.of(new LlamaVision(model.nested("vision_config").withDefaults(DEFAULTS), prefix)
                .spec(token, projector, textHidden));
    }

    private VisionSpec spec(int imageToken, String projector, int textHidden) {
        int size = VisionTensors.side(config, "patch_size");
        int floats =
                config.times(config.positive("num_channels"), "patch_size", config.times(size, "patch_size", size));
        Patches patches = new Patches(
                LinearSpec.named(prefix + "patch_embedding.linear", hidden, floats, false),
                size,
                mergedSide,
                Optional.of(VisionTensors.vector(prefix + "class_embedding", hidden)),
                Optional.of(norm("layernorm_pre")));
        int places = grid * grid + 1;
        config.times(places, "hidden_size", hidden);
        Learned learned = new Learned(
                VisionTensors.vector(prefix + "positional_embedding_vlm", places, hidden),
                grid,
                Reach.ONE_SIZE_BEFORE_CLASS);
        return new VisionSpec(
                new ImageToken(imageToken, true),
                patches,
                new Positions(learned, Optional.of(new Rotation(config.number("rope_theta"), true, true, false, 1))),
                IntStream.range(0, config.numLayers()).mapToObj(this::layer).toList(),
                new Merger(norm("layernorm_post"), adapter(projector, textHidden)),
                List.of());
    }

    /// The adapter of the tower, whose last function is the projector's first, and the projector.
    private Mlp adapter(String projector, int textHidden) {
        String name = prefix + "vision_adapter.mlp.";
        int merged = config.times(mergedSide * mergedSide, "hidden_size", hidden);
        int width = config.positive("projector_input_dim");
        int out = config.positive("projector_output_dim");
        return new Mlp(
                Activation.GELU,
                List.of(
                        LinearSpec.named(name + "fc1", width, merged, false),
                        LinearSpec.named(name + "fc2", out, width, false),
                        LinearSpec.named(
                                projector + "linear_1", textHidden, out, config.flag("multi_modal_projector_bias"))));
    }

    private VisionSpec.Layer layer(int number) {
        String name = "model.layers." + number + ".";
        String attention = prefix + name + "self_attn.";
        int width = config.positive("intermediate_size");
        return new VisionSpec.Layer(
                Branch.of(norm(name + "input_layernorm")),
                new Attention(
                        new ProjectionsSpec(
                                LinearSpec.named(attention + "q_proj", hidden, hidden, true),
                                LinearSpec.named(attention + "k_proj", hidden, hidden, true),
                                LinearSpec.named(attention + "v_proj", hidden, hidden, true),
                                LinearSpec.named(attention + "o_proj", hidden, hidden, true)),
                        VisionTensors.heads(config, "num_attention_heads", VisionTensors.ROTATED),
                        Optional.empty(),
                        Optional.empty()),
                Branch.of(norm(name + "post_attention_layernorm")),
                new Mlp(
                        Activation.GELU,
                        List.of(
                                LinearSpec.named(prefix + name + "mlp.fc1", width, hidden, true),
                                LinearSpec.named(prefix + name + "mlp.fc2", hidden, width, true))));
    }

    private NormSpec norm(String name) {
        return NormSpec.layer(prefix + name, hidden, VisionTensors.eps(config, "norm_eps"), true);
    }
}
