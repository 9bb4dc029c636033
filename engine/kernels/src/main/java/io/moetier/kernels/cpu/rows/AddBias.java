package io.moetier.kernels.cpu.rows;

import io.moetier.kernels.cpu.pool.Cut;
import io.moetier.kernels.cpu.pool.WorkerPool;

/// `x += bias` for each row.
public final class AddBias implements WorkerPool.Job {
    private final Cut cut;
    private float[] x = new float[0];
    private int cols;
    private float[] bias = x;

    public AddBias(WorkerPool pool) {
        cut = new Cut(pool);
    }

    /// As [io.moetier.kernels.device.Kernels#addBias].
    public void run(float[] x, int rows, int cols, float[] bias) {
        this.x = x;
        this.cols = cols;
        this.bias = bias;
        cut.rows(this, rows, cols);
    }

    @Override
    public void run(int part, int worker) {
        for (int row = cut.from(part); row < cut.from(part + 1); row++) {
            Loops.addScaled(bias, 0, 1f, x, row * cols, cols);
        }
    }
}
