package io.moetier.kernels.cuda;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;

/// One or several matrices, each times rows of activations: a launch for each type of weights.
final class MatrixProducts {
    /// Rows that a block multiplies together, as in tasks.cuh.
    static final int ROWS_TOGETHER = 4;

    private final KernelModules kernels;
    private final Staging staging;
    private final Tasks tasks;
    private final Rounding rounding;

    // where the rows of a product are, and how many floats they are apart
    private long rowsAt;
    private int rowStride;

    MatrixProducts(KernelModules kernels, Staging staging, Tasks tasks, Rounding rounding) {
        this.kernels = kernels;
        this.staging = staging;
        this.tasks = tasks;
        this.rounding = rounding;
    }

    /// `n` rows of `x` from `xRow` on go to those of `out` from `outRow` on.
    void multiply(WeightMatrix w, CudaBuffer x, int xRow, int n, CudaBuffer out, int outRow) {
        rounding.begin();
        boolean rounded = read(w.dtype(), x.address((long) xRow * w.cols()), w.cols(), w.cols(), n);
        tasks.begin(1);
        add(w, rowsAt, 0, n, out.address((long) outRow * w.rows()), w.rows(), 0);
        launch(w.dtype(), rounded, w.rows(), n);
    }

    /// Chooses where a product reads `n` rows of `cols` floats at `x`: there, or where they are rounded to.
    ///
    /// @param grain floats that a matrix reads together, of which rows are whole multiples
    /// @return whether they are rounded
    private boolean read(DType dtype, long x, int cols, int grain, int n) {
        rowsAt = x;
        rowStride = cols;
        if (!rounding.rounds(dtype, n) || grain % RoundedRows.BLOCK != 0) {
            return false;
        }
        RoundedRows rounded = rounding.of(dtype);
        rowStride = rounded.stride(cols);
        rowsAt = rounded.round(x, (long) n * cols);
        return true;
    }

    /// The first `n` rows of `x` times each matrix.
    void multiply(WeightMatrix[] ws, CudaBuffer x, int n, DeviceBuffer[] outs) {
        rounding.begin();
        for (int i = 0; i < ws.length; i++) {
            if (firstOfType(ws, i) == i) {
                multiply(ws, i, x, n, outs);
            }
        }
    }

    private void multiply(WeightMatrix[] ws, int first, CudaBuffer x, int n, DeviceBuffer[] outs) {
        DType dtype = ws[first].dtype();
        int count = 0;
        int mostRows = 0;
        for (WeightMatrix w : ws) {
            if (w.dtype() == dtype) {
                count++;
                mostRows = Math.max(mostRows, w.rows());
            }
        }
        boolean rounded = read(dtype, x.address(0), ws[first].cols(), ws[first].cols(), n);
        tasks.begin(count);
        for (int i = first; i < ws.length; i++) {
            if (ws[i].dtype() == dtype) {
                add(ws[i], rowsAt, 0, n, ((CudaBuffer) outs[i]).address(0), ws[i].rows(), 0);
            }
        }
        launch(dtype, rounded, mostRows, n);
    }

    /// Returns the first matrix whose type is that of matrix `i`.
    static int firstOfType(WeightMatrix[] ws, int i) {
        int first = 0;
        while (ws[first].dtype() != ws[i].dtype()) {
            first++;
        }
        return first;
    }

    /// As [io.moetier.kernels.device.Kernels#matmulPerHead].
    void multiplyPerHead(WeightMatrix[] ws, CudaBuffer x, int n, int headDim, CudaBuffer out) {
        rounding.begin();
        for (int i = 0; i < ws.length; i++) {
            if (firstOfType(ws, i) == i) {
                multiplyPerHead(ws, i, x, n, headDim, out);
            }
        }
    }

    private void multiplyPerHead(WeightMatrix[] ws, int first, CudaBuffer x, int n, int headDim, CudaBuffer out) {
        DType dtype = ws[first].dtype();
        int count = 0;
        for (WeightMatrix w : ws) {
            count += w.dtype() == dtype ? 1 : 0;
        }
        int rows = ws[first].rows();
        boolean rounded = read(dtype, x.address(0), ws.length * headDim, headDim, n);
        long headBytes = rounded ? rounding.of(dtype).bytes(headDim) : (long) headDim * Float.BYTES;
        tasks.begin(count);
        for (int h = first; h < ws.length; h++) {
            if (ws[h].dtype() == dtype) {
                long to = out.address((long) h * rows);
                add(ws[h], rowsAt + h * headBytes, 0, n, to, ws.length * rows, 0);
            }
        }
        launch(dtype, rounded, rows, n);
    }

    /// As [io.moetier.kernels.device.Kernels#matmulRows].
    void multiplyRows(WeightMatrix w, CudaBuffer x, int[] rows, int from, int n, CudaBuffer out, int[] outRows) {
        long xRows = staging.send(rows, from, n);
        long toRows = staging.send(outRows, from, n);
        rounding.begin();
        boolean rounded = rounding.rounds(w.dtype(), n);
        rowsAt = x.address(0);
        rowStride = w.cols();
        if (rounded) {
            RoundedRows there = rounding.of(w.dtype());
            rowStride = there.stride(w.cols());
            rowsAt = there.roundRows(rowsAt, x.length(), xRows, n, w.cols());
        }
        tasks.begin(1);
        add(w, rowsAt, xRows, n, out.address(0), w.rows(), toRows);
        launch(w.dtype(), rounded, w.rows(), n);
    }

    private void add(WeightMatrix w, long x, long xRows, int n, long out, int outStride, long outRows) {
        tasks.weights(w.bytes().address(), 0)
                .x(x, rowStride, xRows)
                .out(out, outStride, outRows)
                .add(w.rows(), w.cols(), n, null);
    }

    private void launch(DType dtype, boolean rounded, int mostRows, int n) {
        int tiles = WeightMatrix.tiles(mostRows);
        if (rounded) {
            tasks.launch(kernels.rounded(dtype), Rounding.groupsOfTiles(tiles, false), Rounding.groupsOfRows(n));
        } else {
            KernelModules.ForType type = kernels.of(dtype);
            tasks.launchProducts(n == 1 ? type.one() : type.several(), tiles, groups(n));
        }
    }

    /// Returns how many blocks share `n` rows of activations.
    static int groups(int n) {
        return (n + ROWS_TOGETHER - 1) / ROWS_TOGETHER;
    }
}
