package io.moetier.kernels.cuda;

import io.moetier.kernels.cuda.driver.CudaStream;
import io.moetier.kernels.cuda.driver.ParameterBlock;
import io.moetier.kernels.device.ActivationType;
import io.moetier.storage.model.DType;

/// Which products have their activations rounded, and to what.
final class Rounding implements AutoCloseable {
    private static final int TILES_TOGETHER = 4; // as in rounded.cu
    private static final int ROWS_TOGETHER = 32;

    private final ActivationType type;
    private final RoundedRows one;
    private final RoundedRows three;

    Rounding(ActivationType type, CudaHeap heap, CudaStream stream, KernelModules kernels, ParameterBlock parameter) {
        this.type = type;
        one = new RoundedRows(heap, stream, parameter, kernels.roundToOneDigit, 1);
        three = new RoundedRows(heap, stream, parameter, kernels.roundToThreeDigits, ActivationType.MOST_DIGITS);
    }

    /// As [ActivationType#rounds].
    boolean rounds(DType weights, int rows) {
        return type.rounds(weights, rows);
    }

    /// Begins products of other activations than before.
    void begin() {
        one.begin();
        three.begin();
    }

    /// Returns the activations that weights of a type are multiplied by.
    RoundedRows of(DType weights) {
        return ActivationType.digits(weights) == 1 ? one : three;
    }

    /// Returns how many blocks of threads share so many tiles of sixteen rows of weights.
    ///
    /// @param gated whether a block has as many of gate and of up
    static int groupsOfTiles(int tiles, boolean gated) {
        return Math.ceilDiv(tiles, gated ? TILES_TOGETHER / 2 : TILES_TOGETHER);
    }

    /// Returns how many blocks of threads share `n` rows of activations.
    static int groupsOfRows(int n) {
        return Math.ceilDiv(n, ROWS_TOGETHER);
    }

    long byteSize() {
        return one.byteSize() + three.byteSize();
    }

    @Override
    public void close() {
        one.close();
        three.close();
    }
}
