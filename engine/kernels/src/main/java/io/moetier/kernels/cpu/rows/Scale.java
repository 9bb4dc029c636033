package io.moetier.kernels.cpu.rows;

import io.moetier.kernels.cpu.pool.Cut;
import io.moetier.kernels.cpu.pool.WorkerPool;

/// `x *= factor`, by elements.
public final class Scale implements WorkerPool.Job {
    private final Cut cut;
    private float[] x = new float[0];
    private float factor;

    public Scale(WorkerPool pool) {
        cut = new Cut(pool);
    }

    /// As [io.moetier.kernels.device.Kernels#scale].
    public void run(float[] x, int length, float factor) {
        this.x = x;
        this.factor = factor;
        cut.elements(this, length);
    }

    @Override
    public void run(int part, int worker) {
        int from = cut.from(part);
        Loops.scale(x, from, factor, x, from, cut.from(part + 1) - from);
    }
}
