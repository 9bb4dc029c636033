package io.moetier.runtime.model.describe;

import io.moetier.kernels.device.LinearAttentionShape;
import io.moetier.runtime.model.spec.GatedDeltaSpec;
import io.moetier.runtime.model.spec.RecurrentSpec.Decay;
import io.moetier.runtime.model.spec.weight.ConvolutionSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.ProjectionsSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.List;

/// Describes the gated DeltaNet as transformers stores it, with its sizes under `linear_*`; the convolution's channels
/// are those of queries, keys and values, in this order.
public final class GatedDeltaNet {
    /// In configurations that were made of GGUF files, whose values take the heads of keys in turns.
    public static final String IN_TURNS = "linear_value_heads_in_turns";

    private final FamilyConfig config;
    private final String prefix;
    private final int hiddenSize;
    private final int numKeyHeads;
    private final int numValueHeads;
    private final int valueDim;
    private final int keys; // rows of all heads
    private final int values;

    private GatedDeltaNet(Layer layer, String name) {
        config = layer.config();
        prefix = layer.name(name) + ".";
        hiddenSize = config.hiddenSize();
        numKeyHeads = config.positive("linear_num_key_heads");
        numValueHeads = config.positive("linear_num_value_heads");
        if (numValueHeads % numKeyHeads != 0) {
            throw config.json().unexpected("linear_num_value_heads", "a multiple of " + numKeyHeads, numValueHeads);
        }
        valueDim = config.positive("linear_value_head_dim");
        keys = config.times(numKeyHeads, "linear_key_head_dim", config.positive("linear_key_head_dim"));
        values = config.times(numValueHeads, "linear_value_head_dim", valueDim);
    }

    /// Returns the block called `name`, whose projections are stored by heads of keys: `in_proj_qkvz` and `in_proj_ba`.
    public static GatedDeltaSpec byHeads(Layer layer, String name) {
        return new GatedDeltaNet(layer, name).byHeads();
    }

    /// Returns the block called `name`, whose projections are stored by kind: `in_proj_qkv`, all queries above all keys
    /// above all values, and `in_proj_z`, `in_proj_b` and `in_proj_a`.
    public static GatedDeltaSpec byKind(Layer layer, String name) {
        return new GatedDeltaNet(layer, name).byKind();
    }

    private GatedDeltaSpec byHeads() {
        Sections wide = grouped("in_proj_qkvz", 2 * keys + 2 * values);
        Sections narrow = grouped("in_proj_ba", 2 * numValueHeads);
        return spec(
                projections(wide),
                wide.next("z", values),
                narrow.next("b", numValueHeads),
                narrow.next("a", numValueHeads));
    }

    private GatedDeltaSpec byKind() {
        return spec(
                projections(Sections.of(prefix + "in_proj_qkv", 2 * keys + values, hiddenSize, false)),
                input("in_proj_z", values),
                input("in_proj_b", numValueHeads),
                input("in_proj_a", numValueHeads));
    }

    private Sections grouped(String name, int rows) {
        return Sections.grouped(prefix + name, rows, hiddenSize, numKeyHeads, false);
    }

    private LinearSpec input(String name, int rows) {
        return LinearSpec.named(prefix + name, rows, hiddenSize, false);
    }

    private ProjectionsSpec projections(Sections sections) {
        return new ProjectionsSpec(
                sections.next("q", keys),
                sections.next("k", keys),
                sections.next("v", values),
                LinearSpec.named(prefix + "out_proj", hiddenSize, values, false));
    }

    private GatedDeltaSpec spec(ProjectionsSpec projections, LinearSpec gate, LinearSpec strength, LinearSpec step) {
        return new GatedDeltaSpec(
                projections,
                gate,
                strength,
                List.of(convolution(".q", 0, keys), convolution(".k", keys, keys), convolution(".v", 2 * keys, values)),
                new Decay(
                        step.withBias(VectorSpec.of(prefix + "dt_bias", numValueHeads)),
                        VectorSpec.of(prefix + "A_log", numValueHeads)),
                config.rms(prefix + "norm", valueDim),
                new LinearAttentionShape(
                        numKeyHeads, numValueHeads, keys / numKeyHeads, valueDim, true, config.flag(IN_TURNS)));
    }

    private ConvolutionSpec convolution(String name, int first, int channels) {
        int taps = config.positive("linear_conv_kernel_dim");
        return ConvolutionSpec.part(prefix + "conv1d", name, 2 * keys + values, first, channels, taps, false);
    }
}
