package io.moetier.runtime.model.describe;

import io.moetier.runtime.model.spec.GatedDeltaSpec;
import io.moetier.runtime.model.spec.LightningSpec;
import io.moetier.runtime.model.spec.RecurrentSpec.Decay;
import io.moetier.runtime.model.spec.ShortConvolutionSpec;
import io.moetier.runtime.model.spec.weight.ConvolutionSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.ProjectionsSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.List;

/// Describes mixers with a state of constant size, as transformers stores them.
public final class RecurrentMixer {
    private static final float LIGHTNING_EPS = 1e-6f;

    private RecurrentMixer() {}

    /// Returns the gated short convolution called `name`, `conv_L_cache` tokens wide.
    public static ShortConvolutionSpec shortConvolution(Layer layer, String name) {
        FamilyConfig config = layer.config();
        String prefix = layer.name(name) + ".";
        int width = config.hiddenSize();
        boolean biased = config.flag("conv_bias");
        Sections inputs = Sections.of(prefix + "in_proj", 3 * width, width, biased);
        LinearSpec before = inputs.next("b", width);
        LinearSpec after = inputs.next("c", width);
        return new ShortConvolutionSpec(
                inputs.next("x", width),
                before,
                after,
                ConvolutionSpec.of(prefix + "conv", width, config.positive("conv_L_cache"), biased),
                LinearSpec.named(prefix + "out_proj", width, width, biased));
    }

    /// Returns the gated DeltaNet called `name`, with its sizes under `linear_*`. Projections are stored by heads of
    /// keys, the convolution's channels by queries, keys and values.
    public static GatedDeltaSpec gatedDelta(Layer layer, String name) {
        FamilyConfig config = layer.config();
        String prefix = layer.name(name) + ".";
        int hiddenSize = config.hiddenSize();
        int keyHeads = config.positive("linear_num_key_heads");
        int valueHeads = config.positive("linear_num_value_heads");
        if (valueHeads % keyHeads != 0) {
            throw config.json().unexpected("linear_num_value_heads", "a multiple of " + keyHeads, valueHeads);
        }
        int valueDim = config.positive("linear_value_head_dim");
        int keys = config.times(keyHeads, "linear_key_head_dim", config.positive("linear_key_head_dim"));
        int values = config.times(valueHeads, "linear_value_head_dim", valueDim);
        Sections wide = Sections.grouped(prefix + "in_proj_qkvz", 2 * keys + 2 * values, hiddenSize, keyHeads, false);
        Sections narrow = Sections.grouped(prefix + "in_proj_ba", 2 * valueHeads, hiddenSize, keyHeads, false);
        int channels = 2 * keys + values;
        int taps = config.positive("linear_conv_kernel_dim");
        return new GatedDeltaSpec(
                new ProjectionsSpec(
                        wide.next("q", keys),
                        wide.next("k", keys),
                        wide.next("v", values),
                        LinearSpec.named(prefix + "out_proj", hiddenSize, values, false)),
                wide.next("z", values),
                narrow.next("b", valueHeads),
                List.of(
                        ConvolutionSpec.part(prefix + "conv1d", ".q", channels, 0, keys, taps, false),
                        ConvolutionSpec.part(prefix + "conv1d", ".k", channels, keys, keys, taps, false),
                        ConvolutionSpec.part(prefix + "conv1d", ".v", channels, 2 * keys, values, taps, false)),
                new Decay(
                        narrow.next("a", valueHeads).withBias(VectorSpec.of(prefix + "dt_bias", valueHeads)),
                        VectorSpec.of(prefix + "A_log", valueHeads)),
                config.rms(prefix + "norm", valueDim),
                keyHeads);
    }

    /// Returns the lightning attention called `name`, whose projections are stored by heads.
    public static LightningSpec lightning(Layer layer, String name) {
        FamilyConfig config = layer.config();
        String prefix = layer.name(name) + ".";
        int hiddenSize = config.hiddenSize();
        int numHeads = config.numHeads();
        int width = config.times(numHeads, "head_dim", config.headDim());
        Sections heads = Sections.grouped(prefix + "qkv_proj", 3 * width, hiddenSize, numHeads, false);
        return new LightningSpec(
                new ProjectionsSpec(
                        heads.next("q", width),
                        heads.next("k", width),
                        heads.next("v", width),
                        LinearSpec.named(prefix + "out_proj", hiddenSize, width, false)),
                LinearSpec.named(prefix + "output_gate", width, hiddenSize, false),
                NormSpec.rms(prefix + "norm", width, LIGHTNING_EPS),
                numHeads,
                layer.index(),
                config.numLayers());
    }
}
