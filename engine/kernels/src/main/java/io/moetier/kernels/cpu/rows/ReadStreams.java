package io.moetier.kernels.cpu.rows;

import io.moetier.kernels.cpu.pool.Cut;
import io.moetier.kernels.cpu.pool.WorkerPool;

/// The weighted sum of the residual streams of a token, by tokens.
public final class ReadStreams implements WorkerPool.Job {
    private final Cut cut;
    private float[] streams = new float[0];
    private float[] coefficients = streams;
    private int numStreams;
    private int width; // of a row of coefficients
    private int cols;
    private float[] out = streams;

    public ReadStreams(WorkerPool pool) {
        cut = new Cut(pool);
    }

    /// As [io.moetier.kernels.device.Kernels#readStreams].
    public void run(float[] streams, float[] coefficients, int n, int numStreams, int width, int cols, float[] out) {
        this.streams = streams;
        this.coefficients = coefficients;
        this.numStreams = numStreams;
        this.width = width;
        this.cols = cols;
        this.out = out;
        cut.rows(this, n, (long) numStreams * cols);
    }

    @Override
    public void run(int part, int worker) {
        for (int token = cut.from(part); token < cut.from(part + 1); token++) {
            int at = token * numStreams * cols;
            Loops.scale(streams, at, coefficients[token * width], out, token * cols, cols);
            for (int i = 1; i < numStreams; i++) {
                Loops.addScaled(streams, at + i * cols, coefficients[token * width + i], out, token * cols, cols);
            }
        }
    }
}
