package io.moetier.runtime.model.describe;

import io.moetier.kernels.device.FfnActivation;
import io.moetier.runtime.model.spec.DenseSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.MatrixSlice;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.Optional;
import java.util.function.Function;

/// Gated MLPs whose gates and ups are one tensor and whose downs are another, each with all experts of a layer.
///
/// @param gateUp `[numExperts, 2 * width, hiddenSize]`
/// @param down `[numExperts, hiddenSize, width]`
/// @param order of the elements of both
/// @param interleaved whether gates and ups take turns, instead of all gates coming first
/// @param biased whether there are biases `gateUp_bias` `[numExperts, 2 * width]` and `down_bias`
///     `[numExperts, hiddenSize]`
/// @param each what the matrices are called in checkpoints that have a tensor for each, if there are such
public record FusedSwiGlu(
        String gateUp,
        String down,
        Order order,
        boolean interleaved,
        boolean biased,
        FfnActivation activation,
        Optional<SwiGlu> each)
        implements ExpertStorage {
    /// How a tensor has its matrices.
    public enum Order {
        /// Row by row.
        OUTPUTS_FIRST,
        /// Column by column: the last two dimensions are the other way round.
        INPUTS_FIRST,
        /// Row by row in MXFP4: the codes are called `_blocks` and the exponents `_scales`.
        MXFP4
    }

    /// Returns SwiGLU MLPs without biases, all of whose gates come before the ups, row by row.
    public static FusedSwiGlu halves(String gateUp, String down) {
        return halves(gateUp, down, Order.OUTPUTS_FIRST);
    }

    /// Returns SwiGLU MLPs without biases, all of whose gates come before the ups.
    public static FusedSwiGlu halves(String gateUp, String down, Order order) {
        return new FusedSwiGlu(gateUp, down, order, false, false, FfnActivation.SWIGLU, Optional.empty());
    }

    /// Returns the same MLPs, which some checkpoints have one by one under these names.
    public FusedSwiGlu orEach(SwiGlu names) {
        return new FusedSwiGlu(gateUp, down, order, interleaved, biased, activation, Optional.of(names));
    }

    /// Returns the same MLPs with another activation.
    public FusedSwiGlu with(FfnActivation newActivation) {
        return new FusedSwiGlu(gateUp, down, order, interleaved, biased, newActivation, each);
    }

    @Override
    public DenseSpec expert(String prefix, int expert, int numExperts, int hiddenSize, int width) {
        Stack gateUps = Stack.of(prefix + gateUp, numExperts, 2 * width, hiddenSize);
        Stack downs = Stack.of(prefix + down, numExperts, hiddenSize, width);
        return spec(prefix + "experts." + expert, gateUps, downs, expert);
    }

    /// Describes the one MLP called `prefix`, whose tensors have no dimension of experts.
    public DenseSpec spec(String prefix, int hiddenSize, int width) {
        Stack gateUps = Stack.single(prefix + "." + gateUp, 2 * width, hiddenSize);
        Stack downs = Stack.single(prefix + "." + down, hiddenSize, width);
        return spec(prefix, gateUps, downs, 0);
    }

    private DenseSpec spec(String name, Stack gateUps, Stack downs, int number) {
        int step = interleaved ? 2 : 1;
        int firstUp = interleaved ? 1 : downs.cols();
        return new DenseSpec(
                Optional.of(part(name + named(SwiGlu::gate, ".gate"), gateUps, number, 0, step, downs.cols())),
                part(name + named(SwiGlu::up, ".up"), gateUps, number, firstUp, step, downs.cols()),
                part(name + named(SwiGlu::down, ".down"), downs, number, 0, 1, downs.rows()),
                activation);
    }

    private String named(Function<SwiGlu, String> matrix, String other) {
        return each.map(names -> "." + matrix.apply(names) + ".weight").orElse(other);
    }

    private LinearSpec part(String name, Stack stack, int number, int firstRow, int step, int rows) {
        MatrixSlice slice = switch (order) {
            case OUTPUTS_FIRST -> stack.rows(number, firstRow, step);
            case INPUTS_FIRST -> stack.columns(number, firstRow, step);
            case MXFP4 -> stack.mxfp4(number, firstRow, step);
        };
        LinearSpec linear = LinearSpec.of(name, rows, stack.cols()).at(slice);
        return biased
                ? linear.withBias(new VectorSpec(name + ".bias", rows, Optional.of(stack.bias(number, firstRow, step))))
                : linear;
    }
}
