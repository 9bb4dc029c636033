package io.moetier.kernels.tensor;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.SplittableRandom;

/// Row-major weights as checkpoints store them, of a size around 1/16: every bit of a block is random but for those of
/// its scales, which are normal float16 numbers. And activations to go with them.
public final class RandomWeights {
    private RandomWeights() {}

    /// Returns such weights, drawn by a fast generator that `seeds` gives a seed: they are millions.
    public static MemorySegment rowMajor(Arena arena, DType dtype, int rows, int cols, Random seeds) {
        SplittableRandom random = new SplittableRandom(seeds.nextLong());
        MemorySegment weights = arena.allocate(dtype.bytes((long) rows * cols));
        byte[] block = new byte[dtype.blockBytes()];
        for (long at = 0; at < weights.byteSize(); at += block.length) {
            if (dtype.blockElements() > 1) {
                random.nextBytes(block);
                MemorySegment.copy(block, 0, weights, JAVA_BYTE, at, block.length);
            }
            switch (dtype) {
                case F32 -> weights.set(JAVA_FLOAT_UNALIGNED, at, small(random));
                case F16 -> weights.set(JAVA_SHORT_UNALIGNED, at, Float.floatToFloat16(small(random)));
                case BF16 ->
                    weights.set(JAVA_SHORT_UNALIGNED, at, (short) (Float.floatToRawIntBits(small(random)) >>> 16));
                case Q8_0 -> scale(weights, at, 0.0015f, random);
                case Q4_0 -> scale(weights, at, 0.02f, random);
                case Q5_0 -> scale(weights, at, 0.01f, random);
                case Q4_1 -> {
                    scale(weights, at, 0.02f, random);
                    scale(weights, at + 2, 0.2f, random);
                }
                case Q5_1 -> {
                    scale(weights, at, 0.01f, random);
                    scale(weights, at + 2, 0.2f, random);
                }
                case Q2_K -> {
                    scale(weights, at + 80, 0.005f, random);
                    scale(weights, at + 82, 0.01f, random);
                }
                case Q3_K -> scale(weights, at + 108, 0.002f, random);
                case Q4_K -> {
                    scale(weights, at, 0.0003f, random);
                    scale(weights, at + 2, 0.003f, random);
                }
                case Q5_K -> {
                    scale(weights, at, 0.0002f, random);
                    scale(weights, at + 2, 0.003f, random);
                }
                case Q6_K -> scale(weights, at + 208, 0.00013f, random);
                case IQ4_NL -> scale(weights, at, 0.002f, random);
                case IQ4_XS -> scale(weights, at, 0.00013f, random);
                case MXFP4 -> weights.set(JAVA_BYTE, at, (byte) random.nextInt(119, 124));
                case NVFP4 -> {
                    for (int i = 0; i < 4; i++) {
                        weights.set(JAVA_BYTE, at + i, (byte) random.nextInt(8, 24)); // 2^-6 to 2^-4
                    }
                }
                case Q1_0, Q2_0 -> scale(weights, at, 0.06f, random);
                case TQ1_0 -> scale(weights, at + 52, 0.08f, random);
                case TQ2_0 -> scale(weights, at + 64, 0.06f, random);
                case IQ1_S -> scale(weights, at, 0.01f, random);
                case IQ1_M -> {
                    scale(weights, at, 0.01f, random);
                    for (int i = 3; i >= 0; i--) {
                        weights.set(JAVA_BYTE, at + 49 + 2L * i, (byte)
                                ((block[49 + 2 * i] & 15) | weights.get(JAVA_SHORT_UNALIGNED, at) >> (4 * i) << 4));
                    }
                }
                case IQ2_XXS, IQ2_XS, IQ2_S -> scale(weights, at, 0.002f, random);
                case IQ3_XXS -> scale(weights, at, 0.0008f, random);
                case IQ3_S -> scale(weights, at, 0.0006f, random);
            }
        }
        return weights;
    }

    /// Returns activations of a size around 1, drawn as weights are.
    public static float[] activations(int length, Random seeds) {
        SplittableRandom random = new SplittableRandom(seeds.nextLong());
        float[] activations = new float[length];
        for (int i = 0; i < length; i++) {
            activations[i] = (float) random.nextGaussian();
        }
        return activations;
    }

    private static float small(SplittableRandom random) {
        return (float) random.nextGaussian() / 16;
    }

    private static void scale(MemorySegment block, long at, float largest, SplittableRandom random) {
        float size = largest * random.nextFloat(0.5f, 1f);
        block.set(JAVA_SHORT_UNALIGNED, at, Float.floatToFloat16(random.nextBoolean() ? size : -size));
    }

    /// Returns a packed matrix of such weights in memory that goes with it.
    public static WeightMatrix matrix(DType dtype, int rows, int cols, Random random) {
        Arena arena = Arena.ofAuto();
        return pack(arena, dtype, rowMajor(arena, dtype, rows, cols, random), rows, cols);
    }

    /// Returns the weights packed as they are.
    public static WeightMatrix pack(Arena arena, DType dtype, MemorySegment rowMajor, int rows, int cols) {
        MemorySegment packed = arena.allocate(WeightMatrix.packedBytes(dtype, rows, cols), WeightMatrix.ALIGNMENT);
        packed.fill((byte) 0x55);
        WeightPacker.pack(dtype, rowMajor, dtype, rows, cols, packed);
        return new WeightMatrix(dtype, rows, cols, packed);
    }
}
