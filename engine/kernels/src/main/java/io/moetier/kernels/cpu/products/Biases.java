package io.moetier.kernels.cpu.products;

import io.moetier.kernels.cpu.arithmetic.Results;
import io.moetier.kernels.tensor.WeightMatrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/// Adds a bias to the results of a matrix product.
final class Biases {
    private static final int ROWS = WeightMatrix.TILE_ROWS;

    private Biases() {}

    /// Adds the bias, if there is one, to tiles `from` to `to` of each column, `[to - from][16]`.
    static void add(@Nullable MemorySegment bias, int from, int to, Results y) {
        if (bias == null) {
            return;
        }
        int length = Math.min((to - from) * ROWS, (int) (bias.byteSize() / Float.BYTES) - from * ROWS);
        for (int row = 0; row < length; row++) {
            float value = bias.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, (long) from * ROWS + row);
            for (int column = y.firstColumn; column < y.lastColumn; column++) {
                y.floats[y.at(column) + row] += value;
            }
        }
    }
}
