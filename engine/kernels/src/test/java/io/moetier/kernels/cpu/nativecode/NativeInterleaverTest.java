package io.moetier.kernels.cpu.nativecode;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.tensor.RandomWeights;
import io.moetier.kernels.tensor.RowInterleaver;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.kernels.tensor.WeightPacker;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class NativeInterleaverTest {
    private static final int[][] SHAPES = {
        {16, 32}, {1, 1}, {17, 7}, {31, 96}, {48, 65}, {5, 320}, {1, 256}, {33, 1792}, {18, 4352}
    };
    private static final long SEED = 4;

    @ParameterizedTest
    @EnumSource
    void packsTheBytesThatJavaPacks(DType dtype) {
        Optional<RowInterleaver> interleaver = NativeInterleaver.open(Optional.empty());
        assertEquals(KernelChoice.present().contains(KernelChoice.NATIVE), interleaver.isPresent());
        for (int[] shape : SHAPES) {
            if (shape[1] % dtype.blockElements() == 0) {
                compare(dtype, shape[0], shape[1], interleaver);
            }
        }
    }

    private static void compare(DType dtype, int rows, int cols, Optional<RowInterleaver> interleaver) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment plain = RandomWeights.rowMajor(arena, dtype, rows, cols, new Random(SEED));
            MemorySegment expected =
                    RandomWeights.pack(arena, dtype, plain, rows, cols).bytes();
            MemorySegment found = arena.allocate(expected.byteSize(), WeightMatrix.ALIGNMENT);
            found.fill((byte) 0xAA);
            WeightPacker.pack(dtype, plain, dtype, rows, cols, found, interleaver);
            assertTrue(expected.mismatch(found) < 0, () -> dtype + " " + rows + " x " + cols);
        }
    }
}
