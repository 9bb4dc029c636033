package io.moetier.engine.device.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import io.moetier.engine.tensor.WeightMatrix;
import io.moetier.engine.tensor.WeightPacker;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;

/// Random weights and activations of kernel tests.
final class TestWeights {
    /// The types that every arithmetic multiplies.
    static final List<DType> TYPES = List.of(DType.F32, DType.F16, DType.BF16, DType.Q8_0);

    private TestWeights() {}

    static WeightMatrix matrix(Arena arena, DType dtype, int rows, int cols, Random random) {
        DType source = dtype == DType.Q8_0 ? DType.F32 : dtype;
        MemorySegment plain = arena.allocate(source.bytes((long) rows * cols));
        for (int i = 0; i < rows * cols; i++) {
            float x = (float) random.nextGaussian() / 16;
            switch (source) {
                case F32, Q8_0 -> plain.setAtIndex(JAVA_FLOAT_UNALIGNED, i, x);
                case F16 -> plain.setAtIndex(JAVA_SHORT_UNALIGNED, i, Float.floatToFloat16(x));
                case BF16 -> plain.setAtIndex(JAVA_SHORT_UNALIGNED, i, (short) (Float.floatToRawIntBits(x) >>> 16));
                default -> throw new IllegalArgumentException(dtype.label());
            }
        }
        MemorySegment packed = arena.allocate(WeightMatrix.packedBytes(dtype, rows, cols), WeightMatrix.ALIGNMENT);
        WeightPacker.pack(source, plain, dtype, rows, cols, packed);
        return new WeightMatrix(dtype, rows, cols, packed);
    }

    static float[] floats(int length, Random random) {
        float[] floats = new float[length];
        for (int i = 0; i < length; i++) {
            floats[i] = (float) random.nextGaussian();
        }
        return floats;
    }
}
