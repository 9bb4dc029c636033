package io.moetier.runtime.model.vision;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.runtime.model.spec.VisionSpec;
import io.moetier.runtime.model.weight.Norm;
import io.moetier.runtime.model.weight.Weights;

/// Makes one row of each square of patches.
final class PatchMerger {
    private final Norm norm;
    private final VisionMlp mlp;

    PatchMerger(VisionSpec.Merger spec, Weights weights) {
        norm = Norm.load(spec.norm(), weights);
        mlp = new VisionMlp(spec.mlp(), weights);
    }

    /// Returns the most floats of its intermediate results for one square, as [VisionMlp#width].
    int width(int turn) {
        return mlp.width(turn);
    }

    /// `out` [squares, hiddenSize] from the residual stream [patches, hidden], the patches of a square behind each
    /// other.
    ///
    /// @param patches how many there are
    void apply(Kernels kernels, int patches, int hidden, VisionBuffers buffers, DeviceBuffer out) {
        norm.apply(kernels, buffers.residual(), patches * hidden / norm.size(), buffers.normed());
        int squares = patches * hidden / mlp.inputs();
        mlp.apply(kernels, buffers.normed(), squares, buffers.wide(), buffers.other(), out);
    }
}
