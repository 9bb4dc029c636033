package io.moetier.runtime.model.describe;

import io.moetier.runtime.model.spec.Mamba2Spec;
import io.moetier.runtime.model.spec.MambaSpec;
import io.moetier.runtime.model.spec.MambaSpec.Selection;
import io.moetier.runtime.model.spec.MambaSpec.Selections;
import io.moetier.runtime.model.spec.RecurrentSpec.Decay;
import io.moetier.runtime.model.spec.weight.ConvolutionSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.ProjectionsSpec;
import io.moetier.runtime.model.spec.weight.TensorSlice;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.List;
import java.util.Optional;

/// Describes state spaces as transformers stores them, with their sizes under `mamba_*`.
public final class StateSpace {
    private static final int HIDDEN_PER_RANK = 16;

    private final FamilyConfig config;
    private final String prefix;
    private final int width;
    private final int stateSize;
    private final boolean biased;

    private StateSpace(Layer layer, String name, int width) {
        config = layer.config();
        prefix = layer.name(name) + ".";
        this.width = width;
        stateSize = config.positive("mamba_d_state");
        biased = config.flag("mamba_proj_bias");
    }

    /// Returns the Mamba block called `name`, its selections normalised.
    public static MambaSpec mamba(Layer layer, String name) {
        return new StateSpace(layer, name, expanded(layer.config())).mamba();
    }

    /// Returns the Mamba-2 block called `name`.
    public static Mamba2Spec mamba2(Layer layer, String name) {
        return new StateSpace(layer, name, expanded(layer.config())).mamba2(1);
    }

    /// Returns the Mamba-2 block called `name` that is as wide as its heads together, and normalises by groups.
    public static Mamba2Spec mamba2InGroups(Layer layer, String name) {
        FamilyConfig config = layer.config();
        int width = config.times(config.positive("mamba_n_heads"), "mamba_d_head", config.positive("mamba_d_head"));
        return new StateSpace(layer, name, width).mamba2(config.positive("mamba_n_groups"));
    }

    private static int expanded(FamilyConfig config) {
        return config.times(config.hiddenSize(), "mamba_expand", config.positive("mamba_expand"));
    }

    private MambaSpec mamba() {
        int hiddenSize = config.hiddenSize();
        int rank = config.positiveOrAuto("mamba_dt_rank", Math.ceilDiv(hiddenSize, HIDDEN_PER_RANK));
        Sections inputs = Sections.of(prefix + "in_proj", 2 * width, hiddenSize, biased);
        Sections selections = Sections.of(prefix + "x_proj", rank + 2 * stateSize, width, false);
        List<Long> rates = List.of((long) width, (long) stateSize);
        return new MambaSpec(
                inputs.next("x", width),
                inputs.next("z", width),
                ConvolutionSpec.of(prefix + "conv1d", width, config.positive("mamba_d_conv"), convolutionBias()),
                new Selections(
                        new Selection(selections.next("dt", rank), config.rms(prefix + "dt_layernorm", rank)),
                        new Selection(selections.next("b", stateSize), config.rms(prefix + "b_layernorm", stateSize)),
                        new Selection(selections.next("c", stateSize), config.rms(prefix + "c_layernorm", stateSize))),
                new Decay(
                        LinearSpec.named(prefix + "dt_proj", width, rank, true),
                        new VectorSpec(
                                prefix + "A_log",
                                config.times(width, "mamba_d_state", stateSize),
                                Optional.of(new TensorSlice(prefix + "A_log", rates, 0, stateSize, 1, width, 1)))),
                VectorSpec.of(prefix + "D", width),
                LinearSpec.named(prefix + "out_proj", hiddenSize, width, biased));
    }

    /// @param normalised parts that are normalised by themselves
    private Mamba2Spec mamba2(int normalised) {
        int hiddenSize = config.hiddenSize();
        int numHeads = config.positive("mamba_n_heads");
        int headDim = config.positiveOrAuto("mamba_d_head", width / numHeads);
        if ((long) numHeads * headDim != width) {
            throw config.json().unexpected("mamba_d_head", width + " / mamba_n_heads " + numHeads, headDim);
        }
        int numGroups = config.positive("mamba_n_groups");
        if (numHeads % numGroups != 0) {
            throw config.json().unexpected("mamba_n_groups", "a divisor of " + numHeads, numGroups);
        }
        int selected = config.times(numGroups, "mamba_d_state", stateSize);
        Sections inputs = Sections.of(prefix + "in_proj", 2 * width + 2 * selected + numHeads, hiddenSize, biased);
        LinearSpec gate = inputs.next("z", width);
        LinearSpec x = inputs.next("x", width);
        LinearSpec b = inputs.next("b", selected);
        LinearSpec c = inputs.next("c", selected);
        return new Mamba2Spec(
                new ProjectionsSpec(c, b, x, LinearSpec.named(prefix + "out_proj", hiddenSize, width, biased)),
                gate,
                List.of(
                        convolution(".x", 0, width, selected),
                        convolution(".b", width, selected, selected),
                        convolution(".c", width + selected, selected, selected)),
                new Decay(step(inputs.next("dt", numHeads)), VectorSpec.of(prefix + "A_log", numHeads)),
                new VectorSpec(
                        prefix + "D",
                        width,
                        Optional.of(new TensorSlice(prefix + "D", List.of((long) numHeads), 0, 0, 1, headDim, 1))),
                NormSpec.rmsInGroups(prefix + "norm", width, normalised, config.eps()),
                numGroups);
    }

    private LinearSpec step(LinearSpec linear) {
        if (biased) {
            throw config.json().unexpected("mamba_proj_bias", "false, as the step has a bias of its own", true);
        }
        return linear.withBias(VectorSpec.of(prefix + "dt_bias", linear.rows()));
    }

    private ConvolutionSpec convolution(String name, int first, int channels, int selected) {
        return ConvolutionSpec.part(
                prefix + "conv1d",
                name,
                width + 2 * selected,
                first,
                channels,
                config.positive("mamba_d_conv"),
                convolutionBias());
    }

    private boolean convolutionBias() {
        return config.flag("mamba_conv_bias");
    }
}
