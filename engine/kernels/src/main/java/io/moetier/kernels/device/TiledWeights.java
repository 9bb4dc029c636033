package io.moetier.kernels.device;

import io.moetier.storage.model.DType;

/// Which types of weights GPUs multiply sixteen rows at a time. Those of the others they decode one by one: several
/// times slower, but in a few lines for each type.
public final class TiledWeights {
    private TiledWeights() {}

    /// Says whether weights of a type are multiplied sixteen rows at a time.
    public static boolean include(DType dtype) {
        return switch (dtype) {
            case F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS, MXFP4 -> true;
            case Q2_K, Q3_K, NVFP4, Q1_0, Q2_0, TQ1_0, TQ2_0 -> false;
            case IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S -> false;
        };
    }
}
