package io.moetier.kernels.cpu;

/// `x *= y`, by elements.
final class Multiply implements WorkerPool.Job {
    private final Cut cut;
    private float[] x = new float[0];
    private float[] y = x;

    Multiply(WorkerPool pool) {
        cut = new Cut(pool);
    }

    /// As [io.moetier.kernels.device.Kernels#multiply].
    void run(float[] x, float[] y, int length) {
        this.x = x;
        this.y = y;
        cut.elements(this, length);
    }

    @Override
    public void run(int part, int worker) {
        int end = cut.from(part + 1);
        for (int i = cut.from(part); i < end; i++) {
            x[i] *= y[i];
        }
    }
}
