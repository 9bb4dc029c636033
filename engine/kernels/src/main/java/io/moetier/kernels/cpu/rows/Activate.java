package io.moetier.kernels.cpu.rows;

import io.moetier.kernels.cpu.pool.Cut;
import io.moetier.kernels.cpu.pool.WorkerPool;
import io.moetier.kernels.device.Activation;

/// A function of each element.
public final class Activate implements WorkerPool.Job {
    /// Above, `log(1 + exp(x))` rounds to `x`.
    private static final float LINEAR_SOFTPLUS = 20f;

    private final Cut cut;
    private float[] x = new float[0];
    private Activation activation = Activation.SILU;

    public Activate(WorkerPool pool) {
        cut = new Cut(pool);
    }

    /// As [io.moetier.kernels.device.Kernels#activate].
    public void run(float[] x, int length, Activation activation) {
        this.x = x;
        this.activation = activation;
        cut.elements(this, length);
    }

    @Override
    public void run(int part, int worker) {
        int from = cut.from(part);
        int end = cut.from(part + 1);
        switch (activation) {
            case SIGMOID -> {
                for (int i = from; i < end; i++) {
                    x[i] = (float) (1 / (1 + Math.exp(-x[i])));
                }
            }
            case SILU -> {
                for (int i = from; i < end; i++) {
                    x[i] = (float) (x[i] / (1 + Math.exp(-x[i])));
                }
            }
            case SOFTPLUS -> {
                for (int i = from; i < end; i++) {
                    x[i] = x[i] > LINEAR_SOFTPLUS ? x[i] : (float) Math.log1p(Math.exp(x[i]));
                }
            }
            case GELU -> {
                for (int i = from; i < end; i++) {
                    x[i] = (float) Gelu.exact(x[i]);
                }
            }
            case GELU_TANH -> {
                for (int i = from; i < end; i++) {
                    x[i] = (float) Gelu.tanh(x[i]);
                }
            }
            case TANH -> {
                for (int i = from; i < end; i++) {
                    x[i] = (float) Math.tanh(x[i]);
                }
            }
        }
    }
}
