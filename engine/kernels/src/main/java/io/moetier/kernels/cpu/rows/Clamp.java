package io.moetier.kernels.cpu.rows;

import io.moetier.kernels.cpu.pool.Cut;
import io.moetier.kernels.cpu.pool.WorkerPool;

/// Limits on both sides, by elements.
public final class Clamp implements WorkerPool.Job {
    private final Cut cut;
    private float[] x = new float[0];
    private float limit;

    public Clamp(WorkerPool pool) {
        cut = new Cut(pool);
    }

    /// As [io.moetier.kernels.device.Kernels#clamp].
    public void run(float[] x, int length, float limit) {
        this.x = x;
        this.limit = limit;
        cut.elements(this, length);
    }

    @Override
    public void run(int part, int worker) {
        int end = cut.from(part + 1);
        for (int i = cut.from(part); i < end; i++) {
            x[i] = Math.min(Math.max(x[i], -limit), limit);
        }
    }
}
