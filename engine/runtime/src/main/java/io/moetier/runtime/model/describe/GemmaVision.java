package io.moetier.runtime.model.describe;

import io.moetier.kernels.device.Activation;
import io.moetier.runtime.model.spec.HeadsSpec;
import io.moetier.runtime.model.spec.QkNormSpec;
import io.moetier.runtime.model.spec.VisionSpec;
import io.moetier.runtime.model.spec.VisionSpec.Attention;
import io.moetier.runtime.model.spec.VisionSpec.Branch;
import io.moetier.runtime.model.spec.VisionSpec.ImageToken;
import io.moetier.runtime.model.spec.VisionSpec.Learned;
import io.moetier.runtime.model.spec.VisionSpec.Merger;
import io.moetier.runtime.model.spec.VisionSpec.Mlp;
import io.moetier.runtime.model.spec.VisionSpec.Patches;
import io.moetier.runtime.model.spec.VisionSpec.Pooling;
import io.moetier.runtime.model.spec.VisionSpec.Positions;
import io.moetier.runtime.model.spec.VisionSpec.Reach;
import io.moetier.runtime.model.spec.VisionSpec.Rotation;
import io.moetier.runtime.model.spec.VisionSpec.Standard;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.ProjectionsSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/// Describes the vision tower of Gemma 4 (Google 2026), whose sizes are under `vision_config`: norms on both sides of
/// blocks, patches placed by columns and rows, squares of them averaged to one row.
public final class GemmaVision {
    private static final int CHANNELS = 3;
    private static final int AXES = 2;
    private static final Map<String, Object> DEFAULTS = Map.of(
            "hidden_activation", "gelu_pytorch_tanh",
            "rms_norm_eps", 1e-6,
            "pooling_kernel_size", 3,
            "position_embedding_size", 10240,
            "max_position_embeddings", 131072,
            "rope_theta", 100);

    private final FamilyConfig config;
    private final String prefix;
    private final int hidden;
    private final int headDim;

    private GemmaVision(FamilyConfig config, String prefix) {
        this.config = config;
        this.prefix = prefix;
        hidden = config.hiddenSize();
        headDim = config.headDim();
        config.requireWord("hidden_activation", "gelu_pytorch_tanh");
        VisionTensors.requireSwitch(config, "attention_bias", false);
        int heads = config.numHeads();
        if (config.numKeyValueHeads() != heads) {
            throw config.json().unexpected("num_key_value_heads", Integer.toString(heads), config.numKeyValueHeads());
        }
        if (headDim % VisionTensors.ROTATED != 0 || config.times(heads, "head_dim", headDim) != hidden) {
            throw config.json()
                    .unexpected(
                            "head_dim", hidden + " / " + heads + ", a multiple of " + VisionTensors.ROTATED, headDim);
        }
    }

    /// Returns the tower of a model, if the configuration has one that is read: not one whose maps limit what they
    /// take and give.
    ///
    /// @param model the whole configuration
    /// @param prefix what the names of its tensors start with
    /// @param projection what makes rows of the text model of its rows
    /// @param textHidden elements of a row of the text model's residual stream
    public static Optional<VisionSpec> of(FamilyConfig model, String prefix, String projection, int textHidden) {
        if (!model.json().has("vision_config") || model.nested("vision_config").flag("use_clipped_linears")) {
            return Optional.empty();
        }
        return Optional.of(new GemmaVision(model.nested("vision_config").withDefaults(DEFAULTS), prefix)
                .spec(model.positive("image_token_id"), projection, textHidden));
    }

    private VisionSpec spec(int imageToken, String projection, int textHidden) {
        int size = config.positive("patch_size");
        int floats = config.times(CHANNELS, "patch_size", config.times(size, "patch_size", size));
        int side = config.positive("position_embedding_size");
        config.times(config.times(AXES, "position_embedding_size", side), "hidden_size", hidden);
        Learned learned = new Learned(
                VisionTensors.vector(prefix + "patch_embedder.position_embedding_table", AXES, side, hidden),
                side,
                Reach.UP_TO_SIDE);
        Rotation rotation = new Rotation(config.rope().theta(), false, true, true, 0);
        return new VisionSpec(
                new ImageToken(imageToken, false),
                new Patches(
                        LinearSpec.named(prefix + "patch_embedder.input_proj", hidden, floats, false),
                        size,
                        config.positive("pooling_kernel_size"),
                        Optional.empty(),
                        Optional.empty()),
                new Positions(learned, Optional.of(rotation)),
                IntStream.range(0, config.numLayers()).mapToObj(this::layer).toList(),
                new Merger(
                        NormSpec.rmsWithoutWeight(hidden, config.eps()),
                        new Mlp(Activation.GELU_TANH, List.of(LinearSpec.named(projection, textHidden, hidden, false))),
                        Optional.of(new Pooling((float) Math.sqrt(hidden), standard()))),
                List.of());
    }

    private Optional<Standard> standard() {
        return config.flag("standardize")
                ? Optional.of(new Standard(
                        VectorSpec.of(prefix + "std_bias", hidden), VectorSpec.of(prefix + "std_scale", hidden)))
                : Optional.empty();
    }

    private VisionSpec.Layer layer(int number) {
        String name = prefix + "encoder.layers." + number + ".";
        String attention = name + "self_attn.";
        int width = config.positive("intermediate_size");
        int heads = config.numHeads();
        return new VisionSpec.Layer(
                branch(name + "input_layernorm", name + "post_attention_layernorm"),
                new Attention(
                        new ProjectionsSpec(
                                linear(attention + "q_proj", hidden, hidden),
                                linear(attention + "k_proj", hidden, hidden),
                                linear(attention + "v_proj", hidden, hidden),
                                linear(attention + "o_proj", hidden, hidden)),
                        new HeadsSpec(heads, heads, headDim, 1),
                        Optional.of(new QkNormSpec(
                                config.rms(attention + "q_norm", headDim),
                                config.rms(attention + "k_norm", headDim),
                                true,
                                false)),
                        Optional.of(NormSpec.rmsWithoutWeight(headDim, config.eps()))),
                branch(name + "pre_feedforward_layernorm", name + "post_feedforward_layernorm"),
                new Mlp(
                        Activation.GELU_TANH,
                        List.of(
                                linear(name + "mlp.gate_proj", width, hidden),
                                linear(name + "mlp.down_proj", hidden, width)),
                        Optional.of(linear(name + "mlp.up_proj", width, hidden))));
    }

    private Branch branch(String before, String after) {
        return new Branch(config.rms(before), Optional.of(config.rms(after)), Optional.empty());
    }

    private static LinearSpec linear(String name, int rows, int cols) {
        return LinearSpec.named(name + ".linear", rows, cols, false);
    }
}
