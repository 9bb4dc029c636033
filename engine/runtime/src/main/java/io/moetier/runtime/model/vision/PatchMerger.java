package io.moetier.runtime.model.vision;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.runtime.model.spec.VisionSpec;
import io.moetier.runtime.model.weight.Norm;
import io.moetier.runtime.model.weight.Weights;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Makes one row of each square of patches.
final class PatchMerger {
    private final int merged; // patches of a square
    private final VisionSpec.@Nullable Pooling pooling;
    private final float @Nullable [] negatedMean;
    private final float @Nullable [] scale;
    private final Norm norm;
    private final VisionMlp mlp;

    /// @param merged patches of a square
    PatchMerger(VisionSpec.Merger spec, int merged, Weights weights) {
        this.merged = merged;
        pooling = spec.pooling().orElse(null);
        negatedMean = spec.pooling()
                .flatMap(VisionSpec.Pooling::standard)
                .map(standard -> negated(weights.vector(standard.mean())))
                .orElse(null);
        scale = spec.pooling()
                .flatMap(VisionSpec.Pooling::standard)
                .map(standard -> weights.vector(standard.scale()))
                .orElse(null);
        norm = Norm.load(spec.norm(), weights);
        mlp = new VisionMlp(spec.mlp(), weights);
    }

    private static float[] negated(float[] values) {
        float[] negated = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            negated[i] = -values[i];
        }
        return negated;
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
        int squares = patches / merged;
        if (pooling == null) {
            norm.apply(kernels, buffers.residual(), patches * hidden / norm.size(), buffers.normed());
        } else {
            pool(kernels, pooling.factor() / merged, squares, hidden, buffers);
        }
        mlp.apply(kernels, buffers.normed(), squares, buffers.wide(), buffers.other(), out);
    }

    private void pool(Kernels kernels, float weight, int squares, int hidden, VisionBuffers buffers) {
        float[] weights = new float[squares * merged];
        Arrays.fill(weights, weight);
        DeviceBuffer mean = buffers.key();
        kernels.weightedSum(buffers.residual(), weights, squares, merged, hidden, mean);
        if (negatedMean != null && scale != null) {
            kernels.addBias(mean, squares, hidden, negatedMean);
            kernels.clear(buffers.query(), squares * hidden);
            kernels.addScaled(mean, squares, hidden, scale, buffers.query());
            mean = buffers.query();
        }
        norm.apply(kernels, mean, squares, buffers.normed());
    }
}
