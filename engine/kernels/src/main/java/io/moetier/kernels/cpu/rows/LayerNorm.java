package io.moetier.kernels.cpu.rows;

import io.moetier.kernels.cpu.pool.Cut;
import io.moetier.kernels.cpu.pool.WorkerPool;
import org.jspecify.annotations.Nullable;

/// Layer normalisation, by rows; mean and variance are summed in double.
public final class LayerNorm implements WorkerPool.Job {
    private final Cut cut;
    private float[] x = new float[0];
    private int cols;
    private float[] weight = x;
    private float @Nullable [] bias;
    private float eps;
    private float[] out = x;

    public LayerNorm(WorkerPool pool) {
        cut = new Cut(pool);
    }

    /// As [io.moetier.kernels.device.Kernels#layerNorm].
    public void run(float[] x, int rows, int cols, float[] weight, float @Nullable [] bias, float eps, float[] out) {
        this.x = x;
        this.cols = cols;
        this.weight = weight;
        this.bias = bias;
        this.eps = eps;
        this.out = out;
        cut.rows(this, rows, cols);
    }

    @Override
    public void run(int part, int worker) {
        for (int row = cut.from(part); row < cut.from(part + 1); row++) {
            normalise(row * cols);
        }
    }

    private void normalise(int at) {
        double sum = 0;
        for (int i = 0; i < cols; i++) {
            sum += x[at + i];
        }
        double mean = sum / cols;
        double squares = 0;
        for (int i = 0; i < cols; i++) {
            squares += (x[at + i] - mean) * (x[at + i] - mean);
        }
        double factor = 1 / Math.sqrt(squares / cols + eps);
        for (int i = 0; i < cols; i++) {
            float normed = (float) ((x[at + i] - mean) * factor) * weight[i];
            out[at + i] = bias == null ? normed : normed + bias[i];
        }
    }
}
