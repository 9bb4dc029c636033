package io.moetier.engine.device.cpu;

import io.moetier.engine.tensor.WeightMatrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/// Adds a bias to the results of a matrix product.
final class Biases {
    private static final int ROWS = WeightMatrix.TILE_ROWS;

    private Biases() {}

    /// Adds the bias, if there is one, to tiles `from` to `to` of `columns` columns, `[to - from][columns][16]`.
    static void add(@Nullable MemorySegment bias, int from, int to, int columns, float[] y, int yAt) {
        if (bias == null) {
            return;
        }
        int rows = (int) (bias.byteSize() / Float.BYTES);
        for (int tile = from; tile < to; tile++) {
            int length = Math.min(ROWS, rows - tile * ROWS);
            for (int row = 0; row < length; row++) {
                float value = bias.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, (long) tile * ROWS + row);
                addToColumns(value, columns, y, yAt + (tile - from) * columns * ROWS + row);
            }
        }
    }

    private static void addToColumns(float value, int columns, float[] y, int at) {
        for (int column = 0; column < columns; column++) {
            y[at + column * ROWS] += value;
        }
    }
}
