package io.moetier.kernels.cpu;

import io.moetier.kernels.cpu.nativecode.NativeArithmetic;
import io.moetier.kernels.tensor.RandomWeights;
import io.moetier.kernels.tensor.RowDecoder;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.util.EnumSet;
import java.util.Random;
import java.util.Set;

/// Random weights and activations of kernel tests.
public final class TestWeights {
    /// Types for which the vector arithmetic rounds activations to eight bits.
    private static final Set<DType> ROUNDED =
            EnumSet.of(DType.Q4_0, DType.Q4_1, DType.Q5_0, DType.Q5_1, DType.Q4_K, DType.Q5_K, DType.Q6_K);

    private TestWeights() {}

    /// Says whether an arithmetic rounds activations to eight bits.
    static boolean rounds(KernelChoice choice, DType dtype) {
        return switch (choice) {
            case VECTOR -> ROUNDED.contains(dtype);
            case NATIVE -> hasIntegerProducts(choice, dtype) && dtype != DType.MXFP4;
            default -> false;
        };
    }

    /// Says whether an arithmetic multiplies and adds the weights of a block in whole numbers.
    static boolean hasIntegerProducts(KernelChoice choice, DType dtype) {
        return choice == KernelChoice.NATIVE && dtype.blockElements() > 1 && new NativeArithmetic().multiplies(dtype);
    }

    /// Returns what an arithmetic multiplies with weights of a type: `x`, or for each 32 of them the nearest multiples
    /// of a 127th of the largest.
    static double[] activations(KernelChoice choice, DType dtype, float[] x) {
        double[] activations = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            activations[i] = x[i];
        }
        for (int at = 0; rounds(choice, dtype) && at < x.length; at += 32) {
            float largest = 0;
            for (int i = at; i < at + 32; i++) {
                largest = Math.max(largest, Math.abs(x[i]));
            }
            for (int i = at; i < at + 32; i++) {
                activations[i] =
                        largest == 0 ? 0 : Math.rint(scaled(choice, x[i], 127 / largest)) * (double) (largest / 127);
            }
        }
        return activations;
    }

    /// Native code multiplies and rounds to an integer in one step.
    private static double scaled(KernelChoice choice, float x, float factor) {
        return choice == KernelChoice.NATIVE ? (double) x * factor : x * factor;
    }

    public static WeightMatrix matrix(Arena arena, DType dtype, int rows, int cols, Random random) {
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
        return RandomWeights.activations(length, random);
    }
}
