package io.moetier.runtime.model.describe;

import io.moetier.runtime.model.spec.LightningSpec;
import io.moetier.runtime.model.spec.ShortConvolutionSpec;
import io.moetier.runtime.model.spec.weight.ConvolutionSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.ProjectionsSpec;

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
