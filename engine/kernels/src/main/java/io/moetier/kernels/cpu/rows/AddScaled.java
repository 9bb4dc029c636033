package io.moetier.kernels.cpu.rows;

import io.moetier.kernels.cpu.pool.Cut;
import io.moetier.kernels.cpu.pool.WorkerPool;

/// `out += factors .* x` for each row.
public final class AddScaled implements WorkerPool.Job {
    private final Cut cut;
    private float[] x = new float[0];
    private int cols;
    private float[] factors = x;
    private float[] out = x;

    public AddScaled(WorkerPool pool) {
        cut = new Cut(pool);
    }

    /// As [io.moetier.kernels.device.Kernels#addScaled].
    public void run(float[] x, int rows, int cols, float[] factors, float[] out) {
        this.x = x;
        this.cols = cols;
        this.factors = factors;
        this.out = out;
        cut.rows(this, rows, cols);
    }

    @Override
    public void run(int part, int worker) {
        for (int row = cut.from(part); row < cut.from(part + 1); row++) {
            for (int i = 0; i < cols; i++) {
                out[row * cols + i] += factors[i] * x[row * cols + i];
            }
        }
    }
}
