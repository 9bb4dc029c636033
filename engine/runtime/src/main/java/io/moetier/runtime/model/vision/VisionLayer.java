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

/// A layer of a tower: attention among all patches, and an MLP.
final class VisionLayer {
    private final Norm attentionNorm;
    private final Projections queryKeyValue;
    private final Linear output;
    private final SequenceShape shape;
    private final Norm mlpNorm;
    private final VisionMlp mlp;

    VisionLayer(VisionSpec.Layer spec, Weights weights) {
        HeadsSpec heads = spec.heads();
        attentionNorm = Norm.load(spec.attentionNorm(), weights);
        queryKeyValue = new Projections(List.of(
                Linear.load(spec.projections().query(), weights),
                Linear.load(spec.projections().key(), weights),
                Linear.load(spec.projections().value(), weights)));
        output = Linear.load(spec.projections().output(), weights);
        shape = new SequenceShape(heads.numHeads(), heads.headDim(), heads.scale(), false, 0);
        mlpNorm = Norm.load(spec.mlpNorm(), weights);
        mlp = new VisionMlp(spec.mlp(), weights);
    }

    int width() {
        return mlp.width();
    }

    /// Advances the residual stream of `n` patches.
    void forward(Kernels kernels, int n, RopeTable rotations, VisionBuffers buffers) {
        int length = n * shape.numHeads() * shape.headDim();
        attentionNorm.apply(kernels, buffers.residual(), n, buffers.normed());
        queryKeyValue.apply(
                kernels, buffers.normed(), n, new DeviceBuffer[] {buffers.query(), buffers.key(), buffers.value()});
        kernels.rope(buffers.query(), n, shape.numHeads(), shape.headDim(), 0, 0, rotations);
        kernels.rope(buffers.key(), n, shape.numHeads(), shape.headDim(), 0, 0, rotations);
        kernels.sequenceAttention(
                buffers.query(), n, 0, buffers.key(), buffers.value(), n, shape, null, buffers.normed());
        output.apply(kernels, buffers.normed(), n, buffers.out());
        kernels.add(buffers.residual(), buffers.out(), length);
        mlpNorm.apply(kernels, buffers.residual(), n, buffers.normed());
        mlp.apply(kernels, buffers.normed(), n, buffers.wide(), buffers.out());
        kernels.add(buffers.residual(), buffers.out(), length);
    }
}
