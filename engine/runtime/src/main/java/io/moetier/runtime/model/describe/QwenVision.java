package io.moetier.runtime.model.describe;

import io.moetier.kernels.device.Activation;
import io.moetier.runtime.model.spec.VisionSpec;
import io.moetier.runtime.model.spec.VisionSpec.Attention;
import io.moetier.runtime.model.spec.VisionSpec.Branch;
import io.moetier.runtime.model.spec.VisionSpec.Deepstack;
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
import java.util.Optional;
import java.util.stream.IntStream;

/// Describes the vision tower of Qwen3-VL and Qwen3.5, whose sizes are under `vision_config`.
public final class QwenVision {
    private static final float EPS = 1e-6f; // constants of the reference, which no configuration has
    private static final double THETA = 1e4;

    private final FamilyConfig config;
    private final String prefix;
    private final int textHidden;
    private final int hidden;
    private final int merged;

    private QwenVision(FamilyConfig config, String prefix, int textHidden) {
        this.config = config;
        this.prefix = prefix;
        this.textHidden = textHidden;
        hidden = config.hiddenSize();
        config.requireWord("hidden_act", "gelu_pytorch_tanh");
        int side = config.positive("spatial_merge_size");
        merged = config.times(side, "spatial_merge_size", side);
    }

    /// Returns the tower of a model, if the configuration has one.
    ///
    /// @param model the whole configuration
    /// @param prefix what the names of its tensors start with
    /// @param textHidden elements of a row of the text model's residual stream
    public static Optional<VisionSpec> of(FamilyConfig model, String prefix, int textHidden) {
        return model.json().has("vision_config")
                ? Optional.of(new QwenVision(model.nested("vision_config"), prefix, textHidden)
                        .spec(model.positive("image_token_id")))
                : Optional.empty();
    }

    private VisionSpec spec(int imageToken) {
        int depth = config.numLayers("depth");
        List<Integer> levels =
                config.json().optionalInts("deepstack_visual_indexes").orElse(List.of());
        levels.stream().filter(level -> level < 0 || level >= depth).findFirst().ifPresent(level -> {
            throw config.json().unexpected("deepstack_visual_indexes", "layers 0 to " + (depth - 1), level);
        });
        return new VisionSpec(
                new ImageToken(imageToken, false),
                patches(),
                new Positions(learned(), Optional.of(new Rotation(THETA, false, false, false, 0))),
                IntStream.range(0, depth).mapToObj(this::layer).toList(),
                merger("merger", hidden),
                IntStream.range(0, levels.size())
                        .mapToObj(i -> new Deepstack(
                                levels.get(i),
                                merger("deepstack_merger_list." + i, config.times(merged, "hidden_size", hidden))))
                        .toList());
    }

    private Patches patches() {
        int size = config.positive("patch_size");
        return new Patches(
                VisionTensors.patches(
                        prefix + "patch_embed.proj",
                        hidden,
                        config.positive("in_channels"),
                        config.positive("temporal_patch_size"),
                        size,
                        size),
                size,
                config.positive("spatial_merge_size"),
                Optional.empty(),
                Optional.empty());
    }

    private Learned learned() {
        int positions = config.positive("num_position_embeddings");
        int side = (int) Math.round(Math.sqrt(positions));
        if (side * side != positions) {
            throw config.json().unexpected("num_position_embeddings", "a square number", positions);
        }
        config.times(positions, "hidden_size", hidden);
        return new Learned(VisionTensors.vector(prefix + "pos_embed.weight", positions, hidden), side, Reach.ANY_SIZE);
    }

    private VisionSpec.Layer layer(int number) {
        String name = prefix + "blocks." + number + ".";
        Sections rows = Sections.of(name + "attn.qkv", 3 * hidden, hidden, true);
        return new VisionSpec.Layer(
                Branch.of(norm(name + "norm1", hidden)),
                new Attention(
                        new ProjectionsSpec(
                                rows.next("query", hidden),
                                rows.next("key", hidden),
                                rows.next("value", hidden),
                                LinearSpec.named(name + "attn.proj", hidden, hidden, true)),
                        VisionTensors.heads(config, "num_heads", VisionTensors.ROTATED),
                        Optional.empty(),
                        Optional.empty()),
                Branch.of(norm(name + "norm2", hidden)),
                mlp(name + "mlp.", hidden, config.positive("intermediate_size"), hidden, Activation.GELU_TANH));
    }

    private Merger merger(String name, int normed) {
        int width = config.times(merged, "hidden_size", hidden);
        if (config.positive("out_hidden_size") != textHidden) {
            throw config.json()
                    .unexpected("out_hidden_size", Integer.toString(textHidden), config.positive("out_hidden_size"));
        }
        String whole = prefix + name + ".";
        return new Merger(norm(whole + "norm", normed), mlp(whole, width, width, textHidden, Activation.GELU));
    }

    private static Mlp mlp(String name, int in, int width, int out, Activation activation) {
        return new Mlp(
                activation,
                List.of(
                        LinearSpec.named(name + "linear_fc1", width, in, true),
                        LinearSpec.named(name + "linear_fc2", out, width, true)));
    }

    private static NormSpec norm(String name, int size) {
        return NormSpec.layer(name, size, EPS, true);
    }
}
