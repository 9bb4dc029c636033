package io.moetier.kernels.device;

import io.moetier.storage.model.DType;

/// What a device with memory of its own multiplies quantised weights by. Other weights are multiplied by float32.
public enum ActivationType {
    /// Float32 always: the bits of a row are the same alone and in a batch.
    F32,

    /// Eight bits with a scale for each 32, if many rows are computed together: the rows of a prompt, and not those of
    /// a decoded token.
    Q8;

    /// So many rows of one pass are rounded.
    public static final int LEAST_ROWS = 8;

    /// The most numbers of eight bits that an activation becomes. Each counts 254ths of the one before, so that they
    /// hold 24 bits.
    public static final int MOST_DIGITS = 3;

    /// Says whether rows are rounded.
    ///
    /// @param weights what they are multiplied by
    /// @param rows how many rows the pass has, of which one expert may read a part
    public boolean rounds(DType weights, int rows) {
        return this == Q8 && rows >= LEAST_ROWS && weights.blockElements() > 1 && TiledWeights.include(weights);
    }

    /// Returns how many numbers of eight bits a rounded activation is.
    public static int digits(DType weights) {
        return weights == DType.MXFP4 ? MOST_DIGITS : 1;
    }

    /// Returns what descriptions of devices end with.
    public String remark() {
        return this == Q8 ? ", activations of eight bits for prompts" : "";
    }
}
