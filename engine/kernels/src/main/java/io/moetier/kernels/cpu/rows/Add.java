package io.moetier.kernels.cpu.rows;

import io.moetier.kernels.cpu.pool.Cut;
import io.moetier.kernels.cpu.pool.WorkerPool;

/// `x += y`, by elements.
public final class Add implements WorkerPool.Job {
    private final Cut cut;
    private float[] x = new float[0];
    private float[] y = x;

    public Add(WorkerPool pool) {
        cut = new Cut(pool);
    }

    /// As [io.moetier.kernels.device.Kernels#add].
    public void run(float[] x, float[] y, int length) {
        this.x = x;
        this.y = y;
        cut.elements(this, length);
    }

    @Override
    public void run(int part, int worker) {
        int from = cut.from(part);
        Loops.addScaled(y, from, 1f, x, from, cut.from(part + 1) - from);
    }
}
