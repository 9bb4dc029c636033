package io.moetier.runtime.model.describe;

import io.moetier.kernels.device.FfnActivation;
import io.moetier.runtime.model.spec.DenseSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;

/// Gated MLPs whose gates are one tensor with all experts of a layer, as are their ups and their downs.
///
/// @param gate `[numExperts, width, hiddenSize]`, as is `up`
/// @param down `[numExperts, hiddenSize, width]`
public record SeparateStacks(String gate, String up, String down, FfnActivation activation) implements ExpertStorage {
    @Override
    public DenseSpec expert(String prefix, int expert, int numExperts, int inputSize, int width) {
        String name = prefix + "experts." + expert + ".";
        return DenseSpec.swiGlu(
                        matrix(name + gate, Stack.of(prefix + gate, numExperts, width, inputSize), expert),
                        matrix(name + up, Stack.of(prefix + up, numExperts, width, inputSize), expert),
                        matrix(name + down, Stack.of(prefix + down, numExperts, inputSize, width), expert))
                .with(activation);
    }

    private static LinearSpec matrix(String name, Stack stack, int expert) {
        return LinearSpec.of(name, stack.rows(), stack.cols()).at(stack.rows(expert, 0, 1));
    }
}
