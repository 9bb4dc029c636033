package io.moetier.kernels.device;

import io.moetier.kernels.tensor.WeightMatrix;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// What a router computes with, in the memory of a device: linear maps of one input, the first of which gives the
/// logits of experts, and the rule that chooses by them. The other maps are computed beside it.
///
/// @param matrices `[rows, cols]` of each map, all with the same number of columns
/// @param biases `[rows]` of each map, or null where it has none
/// @param correction `[numExperts]`, what is added to each score for the choice only; null for nothing
@SuppressWarnings("ArrayRecordComponent") // nobody compares them
public record RouterWeights(
        WeightMatrix[] matrices, float[] @Nullable [] biases, Routing routing, float @Nullable [] correction) {
    /// Written out, as javac keeps no annotations of types in class files of compact ones, which other modules read.
    ///
    /// @throws IllegalArgumentException if these do not suit each other
    public RouterWeights(
            WeightMatrix[] matrices, float[] @Nullable [] biases, Routing routing, float @Nullable [] correction) {
        int experts = routing.numExperts();
        if (matrices.length == 0 || matrices.length != biases.length || matrices[0].rows() != experts) {
            throw new IllegalArgumentException("no router for " + experts + " experts: " + Arrays.toString(matrices));
        }
        for (int i = 0; i < matrices.length; i++) {
            float @Nullable [] bias = biases[i];
            if (bias != null) {
                Operands.requireColumns(bias, "biases", matrices[i].rows());
            }
        }
        if (correction != null) {
            Operands.requireColumns(correction, "corrections", experts);
        }
        this.matrices = matrices;
        this.biases = biases;
        this.routing = routing;
        this.correction = correction;
    }
}
