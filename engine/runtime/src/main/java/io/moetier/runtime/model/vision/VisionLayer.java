package io.moetier.runtime.model.vision;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.RopeTable;
import io.moetier.kernels.device.SequenceShape;
import io.moetier.runtime.model.spec.HeadsSpec;
import io.moetier.runtime.model.spec.VisionSpec;
import io.moetier.runtime.model.weight.Linear;
import io.moetier.runtime.model.weight.Norm;
import io.moetier.runtime.model.weight.Projections;
import io.moetier.runtime.model.weight.Weights;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A layer of a tower: attention among all patches, and an MLP.
final class VisionLayer {
    private final Branch first;
    private final Projections queryKeyValue;
    private final @Nullable Norm queryNorm;
    private final @Nullable Norm keyNorm;
    private final @Nullable Norm valueNorm;
    private final Linear output;
    private final SequenceShape shape;
    private final Branch second;
    private final VisionMlp mlp;

    /// @param after norm of what is added; null for none
    /// @param scale of each element of what is added; null for 1
    @SuppressWarnings("ArrayRecordComponent") // nobody compares them
    private record Branch(Norm norm, @Nullable Norm after, float @Nullable [] scale) {
        static Branch load(VisionSpec.Branch spec, Weights weights) {
            return new Branch(
                    Norm.load(spec.norm(), weights),
                    spec.after().map(each -> Norm.load(each, weights)).orElse(null),
                    spec.scale().map(weights::vector).orElse(null));
        }

        void begin(Kernels kernels, int n, VisionBuffers buffers) {
            norm.apply(kernels, buffers.residual(), n, buffers.normed());
        }

        void end(Kernels kernels, int n, VisionBuffers buffers) {
            if (after != null) {
                after.apply(kernels, buffers.query(), n, buffers.query());
            }
            if (scale == null) {
                kernels.add(buffers.residual(), buffers.query(), n * norm.size());
            } else {
                kernels.addScaled(buffers.query(), n, norm.size(), scale, buffers.residual());
            }
        }
    }

    VisionLayer(VisionSpec.Layer spec, Weights weights) {
        VisionSpec.Attention attention = spec.attention();
        HeadsSpec heads = attention.heads();
        first = Branch.load(spec.first(), weights);
        queryKeyValue = new Projections(attention.projections().inputs().stream()
                .map(linear -> Linear.load(linear, weights))
                .toList());
        queryNorm = attention
                .norms()
                .map(norms -> Norm.load(norms.query(), weights))
                .orElse(null);
        keyNorm =
                attention.norms().map(norms -> Norm.load(norms.key(), weights)).orElse(null);
        valueNorm = attention.valueNorm().map(norm -> Norm.load(norm, weights)).orElse(null);
        output = Linear.load(attention.projections().output(), weights);
        shape = new SequenceShape(heads.numHeads(), heads.headDim(), heads.scale(), false, 0);
        second = Branch.load(spec.second(), weights);
        mlp = new VisionMlp(spec.mlp(), weights);
    }

    /// Returns the most floats of its MLP's intermediate results for one patch, as [VisionMlp#width].
    int width(int turn) {
        return mlp.width(turn);
    }

    /// Advances the residual stream of `n` patches.
    ///
    /// @param rotations of equal parts of the elements of a head; empty for none
    void forward(Kernels kernels, int n, List<RopeTable> rotations, VisionBuffers buffers) {
        first.begin(kernels, n, buffers);
        queryKeyValue.apply(
                kernels, buffers.normed(), n, new DeviceBuffer[] {buffers.query(), buffers.key(), buffers.value()});
        place(kernels, buffers.query(), queryNorm, n, rotations);
        place(kernels, buffers.key(), keyNorm, n, rotations);
        normalise(kernels, buffers.value(), valueNorm, n);
        kernels.mutualAttention(buffers.query(), buffers.key(), buffers.value(), n, shape, buffers.normed());
        output.apply(kernels, buffers.normed(), n, buffers.query());
        first.end(kernels, n, buffers);
        second.begin(kernels, n, buffers);
        mlp.apply(kernels, buffers.normed(), n, buffers.wide(), buffers.other(), buffers.query());
        second.end(kernels, n, buffers);
    }

    private void place(Kernels kernels, DeviceBuffer heads, @Nullable Norm norm, int n, List<RopeTable> rotations) {
        normalise(kernels, heads, norm, n);
        for (int part = 0; part < rotations.size(); part++) {
            int from = part * shape.headDim() / rotations.size();
            kernels.rope(heads, n, shape.numHeads(), shape.headDim(), from, 0, rotations.get(part));
        }
    }

    private void normalise(Kernels kernels, DeviceBuffer heads, @Nullable Norm norm, int n) {
        if (norm != null) {
            norm.apply(kernels, heads, n * shape.numHeads() * shape.headDim() / norm.size(), heads);
        }
    }
}
