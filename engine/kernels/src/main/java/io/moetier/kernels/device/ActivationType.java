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
        return this == Q8
                && rows >= LEAST_ROWS
                && switch (weights) {
                    case Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS, MXFP4 -> true;
                    case F32, F16, BF16 -> false;
                    case Q2_K, Q3_K, NVFP4, Q1_0, Q2_0, TQ1_0, TQ2_0 -> false;
                    case IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S -> false;
                };
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
