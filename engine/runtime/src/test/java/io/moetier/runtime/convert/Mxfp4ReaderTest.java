package io.moetier.runtime.convert;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.runtime.model.spec.weight.Mxfp4Slice;
import io.moetier.runtime.model.spec.weight.TensorSlice;
import io.moetier.storage.format.Floats;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// Every second row of the second of two matrices, as gate and up of gpt-oss lie in one tensor.
class Mxfp4ReaderTest {
    private static final float[] VALUES = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6, 0, -0.5f, -1, -1.5f, -2, -3, -4, -6};
    private static final int ROWS = 5;
    private static final int COLS = 96;

    private final byte[] codes = new byte[2 * 2 * ROWS * COLS / 2];
    private final byte[] exponents = new byte[2 * 2 * ROWS * COLS / 32];

    @Test
    void readsRowsAsTheBlocksOfTheirValues() {
        Random random = new Random(7);
        random.nextBytes(codes);
        for (int i = 0; i < exponents.length; i++) {
            exponents[i] = (byte) random.nextInt(1, 253);
        }
        Mxfp4Reader reader = new Mxfp4Reader(
                new Mxfp4Slice(everySecondRow("codes", COLS / 2), everySecondRow("exponents", COLS / 32)),
                COLS,
                (from, dst) -> dst.copyFrom(MemorySegment.ofArray(codes).asSlice(from, dst.byteSize())),
                (from, dst) -> dst.copyFrom(MemorySegment.ofArray(exponents).asSlice(from, dst.byteSize())));
        int firstRow = 2;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment rows = arena.allocate(DType.MXFP4.bytes((long) (ROWS - firstRow) * COLS));
            reader.read(firstRow, rows);
            float[] floats = new float[(ROWS - firstRow) * COLS];
            Floats.decode(DType.MXFP4, rows, floats.length, floats, 0);
            for (int i = 0; i < floats.length; i++) {
                assertEquals(value(firstRow + i / COLS, i % COLS), floats[i], "element " + i);
            }
        }
    }

    /// As gpt-oss stores it: element `2j` in the lower half of byte `j`, `2j + 1` in the upper one.
    private float value(int row, int col) {
        int at = (2 * ROWS + 2 * row + 1) * COLS + col;
        int code = (at % 2 == 0 ? codes[at / 2] : codes[at / 2] >> 4) & 15;
        return VALUES[code] * (float) Math.scalb(1.0, (exponents[at / 32] & 255) - 127);
    }

    private static TensorSlice everySecondRow(String name, int cols) {
        long offset = (2L * ROWS + 1) * cols;
        return new TensorSlice(name, List.of(2L, 2L * ROWS, (long) cols), offset, 2L * cols, 1, Integer.MAX_VALUE, 0);
    }
}
