package io.moetier.engine.device.cpu;

import io.moetier.engine.tensor.RandomWeights;
import io.moetier.engine.tensor.RowDecoder;
import io.moetier.engine.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Random;

/// Random weights and activations of kernel tests.
final class TestWeights {
    /// The types that every arithmetic multiplies.
    static final List<DType> TYPES = List.of(DType.F32, DType.F16, DType.BF16, DType.Q8_0);

    /// All types, which the plain arithmetic multiplies.
    static final List<DType> ALL = List.of(DType.values());

    private TestWeights() {}

    /// Returns the types that an arithmetic multiplies.
    static List<DType> types(KernelChoice choice) {
        return choice == KernelChoice.PLAIN ? ALL : TYPES;
    }

    static WeightMatrix matrix(Arena arena, DType dtype, int rows, int cols, Random random) {
        return RandomWeights.pack(arena, dtype, RandomWeights.rowMajor(arena, dtype, rows, cols, random), rows, cols);
    }

    /// Returns the weights of a matrix, `[rows][cols]`.
    static float[] decoded(WeightMatrix w) {
        float[] weights = new float[w.rows() * w.cols()];
        RowDecoder decoder = new RowDecoder();
        for (int row = 0; row < w.rows(); row++) {
            decoder.decode(w, row, weights, row * w.cols());
        }
        return weights;
    }

    static float[] floats(int length, Random random) {
        float[] floats = new float[length];
        for (int i = 0; i < length; i++) {
            floats[i] = (float) random.nextGaussian();
        }
        return floats;
    }
}
