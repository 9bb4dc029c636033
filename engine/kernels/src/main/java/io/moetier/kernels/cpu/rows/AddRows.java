package io.moetier.kernels.cpu.rows;

import io.moetier.kernels.cpu.pool.Cut;
import io.moetier.kernels.cpu.pool.WorkerPool;
import org.jspecify.annotations.Nullable;

/// `out += x` for each row, or its share by a gate.
public final class AddRows implements WorkerPool.Job {
    private final Cut cut;
    private float[] x = new float[0];
    private int firstRow; // of x
    private float @Nullable [] gateLogits;
    private int cols;
    private float[] out = x;

    public AddRows(WorkerPool pool) {
        cut = new Cut(pool);
    }

    /// As [io.moetier.kernels.device.Kernels#addRows].
    public void run(float[] x, int firstRow, float @Nullable [] gateLogits, int rows, int cols, float[] out) {
        this.x = x;
        this.firstRow = firstRow;
        this.gateLogits = gateLogits;
        this.cols = cols;
        this.out = out;
        cut.rows(this, rows, cols);
    }

    @Override
    public void run(int part, int worker) {
        float @Nullable [] gates = gateLogits;
        for (int row = cut.from(part); row < cut.from(part + 1); row++) {
            float weight = gates == null ? 1f : (float) (1 / (1 + Math.exp(-gates[row])));
            Loops.addScaled(x, (firstRow + row) * cols, weight, out, row * cols, cols);
        }
    }
}
