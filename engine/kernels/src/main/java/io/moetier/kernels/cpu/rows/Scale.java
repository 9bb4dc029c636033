package io.moetier.kernels.cpu;

/// `x *= factor`, by elements.
final class Scale implements WorkerPool.Job {
    private final Cut cut;
    private float[] x = new float[0];
    private float factor;

    Scale(WorkerPool pool) {
        cut = new Cut(pool);
    }

    /// As [io.moetier.kernels.device.Kernels#scale].
    void run(float[] x, int length, float factor) {
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
