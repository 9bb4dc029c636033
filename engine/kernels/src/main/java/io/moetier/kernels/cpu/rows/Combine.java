package io.moetier.kernels.cpu.rows;

import io.moetier.kernels.cpu.pool.Cut;
import io.moetier.kernels.cpu.pool.WorkerPool;

/// `out = alpha * x + beta * y`, by elements.
public final class Combine implements WorkerPool.Job {
    private final Cut cut;
    private float[] x = new float[0];
    private float alpha;
    private float[] y = x;
    private float beta;
    private float[] out = x;

    public Combine(WorkerPool pool) {
        cut = new Cut(pool);
    }

    /// As [io.moetier.kernels.device.Kernels#combine].
    public void run(float[] x, float alpha, float[] y, float beta, int length, float[] out) {
        this.x = x;
        this.alpha = alpha;
        this.y = y;
        this.beta = beta;
        this.out = out;
        cut.elements(this, length);
    }

    @Override
    public void run(int part, int worker) {
        int end = cut.from(part + 1);
        for (int i = cut.from(part); i < end; i++) {
            out[i] = alpha * x[i] + beta * y[i];
        }
    }
}
