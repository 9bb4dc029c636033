package io.moetier.runtime.model;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.runtime.model.spec.MtpSpec;
import io.moetier.runtime.model.weight.Linear;
import io.moetier.runtime.model.weight.Norm;
import io.moetier.runtime.model.weight.Weights;

/// What surrounds the layer for multi-token prediction.
///
/// @param finalNorm after the layer
record Mtp(Norm embeddingNorm, Norm hiddenNorm, Linear ofEmbedding, Linear ofHidden, Norm finalNorm) {
    static Mtp load(MtpSpec spec, Weights weights) {
        return new Mtp(
                Norm.load(spec.embeddingNorm(), weights),
                Norm.load(spec.hiddenNorm(), weights),
                Linear.load(spec.ofEmbedding(), weights),
                Linear.load(spec.ofHidden(), weights),
                Norm.load(spec.finalNorm(), weights));
    }

    /// Makes rows for the layer, all of them [n, hiddenSize].
    ///
    /// @param embedded tokens, overwritten
    /// @param hidden what the model gives for the tokens in front of them, overwritten
    void join(Kernels kernels, DeviceBuffer embedded, DeviceBuffer hidden, int n, DeviceBuffer out) {
        hiddenNorm.apply(kernels, hidden, n, hidden);
        ofHidden.apply(kernels, hidden, n, out);
        embeddingNorm.apply(kernels, embedded, n, embedded);
        ofEmbedding.apply(kernels, embedded, n, hidden);
        kernels.add(out, hidden, n * hiddenNorm.size());
    }
}
