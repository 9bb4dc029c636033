package io.moetier.runtime.model.describe;

import io.moetier.kernels.device.Routing;
import io.moetier.kernels.device.Routing.Normalisation;
import io.moetier.runtime.model.spec.HeadsSpec;
import io.moetier.runtime.model.spec.MixtureOfHeadsSpec;
import io.moetier.runtime.model.spec.MixtureOfHeadsSpec.Experts;
import io.moetier.runtime.model.spec.RouterSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.TensorSlice;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/// Describes a mixture of attention heads as JetMoE's checkpoints name it.
public final class MixtureOfHeads {
    private MixtureOfHeads() {}

    /// Returns the block called `name`: `num_key_value_heads` query heads in each of `num_local_experts` experts, whose
    /// keys and values are the rows of `kv_proj`.
    public static MixtureOfHeadsSpec spec(Layer layer, String name) {
        FamilyConfig config = layer.config();
        String prefix = layer.name(name) + ".";
        int hiddenSize = config.hiddenSize();
        int numExperts = config.numExperts("num_local_experts");
        int perToken = config.numExpertsPerToken("num_experts_per_tok", numExperts);
        int numHeads = config.positive("num_key_value_heads");
        int headDim = config.headDim();
        int width = config.times(numHeads, "head_dim", headDim);
        Stack queries = Stack.of(prefix + "experts.input_linear.weight", numExperts, width, hiddenSize);
        Stack outputs = Stack.of(prefix + "experts.output_linear.weight", numExperts, hiddenSize, width);
        List<Long> shape = List.of(2L * width, (long) hiddenSize);
        String keyValue = prefix + "kv_proj.weight";
        return new MixtureOfHeadsSpec(
                RouterSpec.of(
                        LinearSpec.named(prefix + "experts.router.layer", numExperts, hiddenSize, false),
                        Routing.softmax(numExperts, perToken).normalised(Normalisation.SUM)),
                new Experts(
                        all(
                                numExperts,
                                e -> LinearSpec.of(prefix + "experts." + e + ".query", width, hiddenSize)
                                        .at(queries.rows(e, 0, 1))),
                        all(
                                numExperts,
                                e -> LinearSpec.of(prefix + "experts." + e + ".output", hiddenSize, width)
                                        .at(outputs.rows(e, 0, 1))),
                        VectorSpec.of(prefix + "experts.bias", hiddenSize)),
                LinearSpec.of(prefix + "key", width, hiddenSize).at(TensorSlice.rows(keyValue, shape, 0, hiddenSize)),
                LinearSpec.of(prefix + "value", width, hiddenSize)
                        .at(TensorSlice.rows(keyValue, shape, (long) width * hiddenSize, hiddenSize)),
                new HeadsSpec(numHeads, numHeads, headDim, (float) (1 / Math.sqrt(headDim))),
                config.rope());
    }

    private static List<LinearSpec> all(int numExperts, IntFunction<LinearSpec> expert) {
        return IntStream.range(0, numExperts).mapToObj(expert).toList();
    }
}
