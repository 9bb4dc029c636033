package io.moetier.engine.device.cuda;

import io.moetier.engine.device.DeviceBuffer;
import io.moetier.engine.tensor.WeightMatrix;
import io.moetier.storage.model.DType;

/// One or several matrices, each times rows of activations: a launch for each type of weights.
final class MatrixProducts {
    /// Rows that a block multiplies together, as in tasks.cuh.
    static final int ROWS_TOGETHER = 4;

    private static final int ALIGNMENT = 16;

    private final CudaDevice device;
    private final KernelModules kernels;
    private final Staging staging;
    private final Tasks tasks;

    MatrixProducts(CudaDevice device, KernelModules kernels, Staging staging, Tasks tasks) {
        this.device = device;
        this.kernels = kernels;
        this.staging = staging;
        this.tasks = tasks;
    }

    /// `n` rows of `x` from `xRow` on go to those of `out` from `outRow` on.
    void multiply(WeightMatrix w, CudaBuffer x, int xRow, int n, CudaBuffer out, int outRow) {
        tasks.begin(1);
        add(w, x.address((long) xRow * w.cols()), w.cols(), 0, n, out.address((long) outRow * w.rows()), w.rows(), 0);
        launch(w.dtype(), w.rows(), n);
    }

    /// The first `n` rows of `x` times each matrix.
    void multiply(WeightMatrix[] ws, CudaBuffer x, int n, DeviceBuffer[] outs) {
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
        tasks.begin(count);
        for (int i = first; i < ws.length; i++) {
            if (ws[i].dtype() == dtype) {
                add(
                        ws[i],
                        x.address(0),
                        ws[i].cols(),
                        0,
                        n,
                        CudaBuffer.of(device, outs[i], (long) n * ws[i].rows()).address(0),
                        ws[i].rows(),
                        0);
            }
        }
        launch(dtype, mostRows, n);
    }

    private static int firstOfType(WeightMatrix[] ws, int i) {
        int first = 0;
        while (ws[first].dtype() != ws[i].dtype()) {
            first++;
        }
        return first;
    }

    /// As [io.moetier.engine.device.Kernels#matmulPerHead].
    void multiplyPerHead(WeightMatrix[] ws, CudaBuffer x, int n, int headDim, CudaBuffer out) {
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
        tasks.begin(count);
        for (int h = first; h < ws.length; h++) {
            if (ws[h].dtype() == dtype) {
                long from = x.address((long) h * headDim);
                long to = out.address((long) h * rows);
                add(ws[h], from, ws.length * headDim, 0, n, to, ws.length * rows, 0);
            }
        }
        launch(dtype, rows, n);
    }

    /// As [io.moetier.engine.device.Kernels#matmulRows].
    void multiplyRows(WeightMatrix w, CudaBuffer x, int[] rows, int from, int n, CudaBuffer out, int[] outRows) {
        long xRows = staging.send(rows, from, n);
        long toRows = staging.send(outRows, from, n);
        tasks.begin(1);
        add(w, x.address(0), w.cols(), xRows, n, out.address(0), w.rows(), toRows);
        launch(w.dtype(), w.rows(), n);
    }

    private void add(WeightMatrix w, long x, int xStride, long xRows, int n, long out, int outStride, long outRows) {
        requireAligned(w.dtype(), x, xStride);
        tasks.weights(w.bytes().address(), 0)
                .x(x, xStride, xRows)
                .out(out, outStride, outRows)
                .add(w.rows(), w.cols(), n, null);
    }

    /// @throws IllegalArgumentException if quantised weights shall be multiplied by rows that lie at odd addresses
    static void requireAligned(DType dtype, long x, int stride) {
        boolean aligned = x % ALIGNMENT == 0 && (long) stride * Float.BYTES % ALIGNMENT == 0;
        if (!aligned && dtype.blockElements() > 1) {
            throw new IllegalArgumentException("rows " + stride + " floats apart do not all start at multiples of "
                    + ALIGNMENT + " bytes, as weights of " + dtype.label() + " need them");
        }
    }

    private void launch(DType dtype, int mostRows, int n) {
        KernelModules.ForType type = kernels.of(dtype);
        tasks.launch(n == 1 ? type.one() : type.several(), WeightMatrix.tiles(mostRows), groups(n));
    }

    /// Returns how many blocks share `n` rows of activations.
    static int groups(int n) {
        return (n + ROWS_TOGETHER - 1) / ROWS_TOGETHER;
    }
}
