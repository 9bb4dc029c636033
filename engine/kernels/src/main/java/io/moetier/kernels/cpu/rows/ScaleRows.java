package io.moetier.kernels.cpu.rows;

import io.moetier.kernels.cpu.pool.Cut;
import io.moetier.kernels.cpu.pool.WorkerPool;

/// Rows of `out`, each a row of `x` times its factor.
public final class ScaleRows implements WorkerPool.Job {
    private final Cut cut;
    private float[] x = new float[0];
    private float[] factors = x;
    private int perToken; // rows of out
    private int cols;
    private float[] out = x;

    public ScaleRows(WorkerPool pool) {
        cut = new Cut(pool);
    }

    /// As [io.moetier.kernels.device.Kernels#scaleRows].
    public void run(float[] x, float[] factors, int n, int perToken, int cols, float[] out) {
        this.x = x;
        this.factors = factors;
        this.perToken = perToken;
        this.cols = cols;
        this.out = out;
        cut.rows(this, n * perToken, cols);
    }

    @Override
    public void run(int part, int worker) {
        for (int row = cut.from(part); row < cut.from(part + 1); row++) {
            Loops.scale(x, row / perToken * cols, factors[row], out, row * cols, cols);
        }
    }
}
