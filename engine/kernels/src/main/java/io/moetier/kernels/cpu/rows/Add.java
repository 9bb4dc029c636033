package io.moetier.kernels.cpu;

/// `x += y`, by elements.
final class Add implements WorkerPool.Job {
    private final Cut cut;
    private float[] x = new float[0];
    private float[] y = x;

    Add(WorkerPool pool) {
        cut = new Cut(pool);
    }

    /// As [io.moetier.kernels.device.Kernels#add].
    void run(float[] x, float[] y, int length) {
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
