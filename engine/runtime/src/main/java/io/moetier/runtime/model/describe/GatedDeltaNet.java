package io.moetier.runtime.model.describe;

import io.moetier.kernels.device.Activation;
import io.moetier.kernels.device.LinearAttentionShape;
import io.moetier.runtime.model.spec.GatedDeltaSpec;
import io.moetier.runtime.model.spec.GatedDeltaSpec.Gate;
import io.moetier.runtime.model.spec.RecurrentSpec.Decay;
import io.moetier.runtime.model.spec.weight.ConvolutionSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.ProjectionsSpec;
import io.moetier.runtime.model.spec.weight.TensorSlice;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.List;
import java.util.Optional;

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

    /// Returns the Kimi Delta Attention called `name`, as Moonshot AI stores it: a projection and a convolution
    /// for each of queries, keys and values, steps for each element of a key, and matrices `f_a_proj` and
    /// `g_a_proj` that make rows as narrow as a head, of which `f_b_proj` and `g_b_proj` make steps and gates.
    public static GatedDeltaSpec byElement(Layer layer, String name) {
        return new GatedDeltaNet(layer, name).byElement();
    }

    private GatedDeltaSpec byElement() {
        int keyDim = keys / numKeyHeads;
        int steps = config.times(numValueHeads, "linear_key_head_dim", keyDim);
        List<Long> shape = List.of(1L, 1L, (long) numValueHeads, 1L);
        String rates = prefix + "A_log";
        return new GatedDeltaSpec(
                new ProjectionsSpec(
                        input("q_proj", keys),
                        input("k_proj", keys),
                        input("v_proj", values),
                        LinearSpec.named(prefix + "o_proj", hiddenSize, values, false)),
                new Gate(
                        Optional.of(input("g_a_proj", valueDim)),
                        LinearSpec.named(prefix + "g_b_proj", values, valueDim, false),
                        Activation.SIGMOID),
                input("b_proj", numValueHeads),
                List.of(own("q_conv1d", keys), own("k_conv1d", keys), own("v_conv1d", values)),
                new Decay(
                        Optional.of(input("f_a_proj", valueDim)),
                        LinearSpec.named(prefix + "f_b_proj", steps, valueDim, false)
                                .withBias(VectorSpec.of(prefix + "dt_bias", steps)),
                        new VectorSpec(rates, numValueHeads, Optional.of(TensorSlice.rows(rates, shape, 0, 1)))),
                config.rms(prefix + "o_norm", valueDim),
                new LinearAttentionShape(numKeyHeads, numValueHeads, keyDim, valueDim, true, false, true));
    }

    private ConvolutionSpec own(String name, int channels) {
        return ConvolutionSpec.of(prefix + name, channels, config.positive("linear_conv_kernel_dim"), false);
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
                new Gate(Optional.empty(), gate, Activation.SILU),
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
