package io.moetier.kernels.cpu.rows;

import io.moetier.kernels.cpu.arithmetic.Arithmetic;
import io.moetier.kernels.cpu.arithmetic.Scratch;
import io.moetier.kernels.cpu.pool.Cut;
import io.moetier.kernels.cpu.pool.WorkerPool;

/// Root mean square normalisation, by rows.
public final class RmsNorm implements WorkerPool.Job {
    private final Cut cut;
    private final Arithmetic arithmetic;
    private final Scratch[] scratch;
    private float[] x = new float[0];
    private int cols;
    private float[] weight = x;
    private float eps;
    private float[] out = x;

    public RmsNorm(WorkerPool pool, Arithmetic arithmetic, Scratch[] scratch) {
        cut = new Cut(pool);
        this.arithmetic = arithmetic;
        this.scratch = scratch;
    }

    /// As [io.moetier.kernels.device.Kernels#rmsNorm].
    public void run(float[] x, int rows, int cols, float[] weight, float eps, float[] out) {
        this.x = x;
        this.cols = cols;
        this.weight = weight;
        this.eps = eps;
        this.out = out;
        cut.rows(this, rows, cols);
    }

    @Override
    public void run(int part, int worker) {
        int from = cut.from(part);
        arithmetic.rmsNorm(x, from * cols, cut.from(part + 1) - from, cols, weight, eps, out, scratch[worker]);
    }
}
