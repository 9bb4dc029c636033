package io.moetier.engine.model.describe;

import io.moetier.engine.model.spec.DenseSpec;
import io.moetier.engine.model.spec.LinearSpec;

/// SwiGLU MLPs whose gates and ups are one tensor and whose downs are another, each with all experts of a layer.
///
/// @param gateUp `[numExperts, 2 * width, hiddenSize]`
/// @param down `[numExperts, hiddenSize, width]`
/// @param inputsFirst whether the last two dimensions of both are the other way round
/// @param interleaved whether gates and ups take turns, instead of all gates coming first
public record FusedSwiGlu(String gateUp, String down, boolean inputsFirst, boolean interleaved)
        implements ExpertStorage {
    /// Returns the way in which outputs come before inputs, and all gates before all ups.
    public static FusedSwiGlu halves(String gateUp, String down) {
        return new FusedSwiGlu(gateUp, down, false, false);
    }

    @Override
    public DenseSpec expert(String prefix, int expert, int numExperts, int hiddenSize, int width) {
        Stack gateUps = Stack.of(prefix + gateUp, numExperts, 2 * width, hiddenSize, inputsFirst);
        Stack downs = Stack.of(prefix + down, numExperts, hiddenSize, width, inputsFirst);
        return spec(prefix + "experts." + expert, gateUps, downs, expert, width);
    }

    /// Describes the one MLP called `prefix`, whose tensors have no dimension of experts.
    public DenseSpec spec(String prefix, int hiddenSize, int width) {
        Stack gateUps = Stack.single(prefix + "." + gateUp, 2 * width, hiddenSize, inputsFirst);
        Stack downs = Stack.single(prefix + "." + down, hiddenSize, width, inputsFirst);
        return spec(prefix, gateUps, downs, 0, width);
    }

    private DenseSpec spec(String name, Stack gateUps, Stack downs, int number, int width) {
        int step = interleaved ? 2 : 1;
        int firstUp = interleaved ? 1 : width;
        return new DenseSpec(
                LinearSpec.of(name + ".gate", width, gateUps.cols()).at(gateUps.rows(number, 0, step)),
                LinearSpec.of(name + ".up", width, gateUps.cols()).at(gateUps.rows(number, firstUp, step)),
                LinearSpec.of(name + ".down", downs.rows(), width).at(downs.rows(number, 0, 1)));
    }
}
