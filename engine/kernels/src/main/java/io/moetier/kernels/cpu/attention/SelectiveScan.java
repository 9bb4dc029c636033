package io.moetier.kernels.cpu.attention;

import io.moetier.kernels.cpu.pool.Cut;
import io.moetier.kernels.cpu.pool.WorkerPool;
import java.util.Arrays;

/// The selective scan of a state space, cut by channels; tokens follow each other.
public final class SelectiveScan implements WorkerPool.Job {
    private final Cut cut;
    private float[] x = new float[0];
    private float[] step = x;
    private float[] b = x;
    private float[] c = x;
    private int n;
    private int channels;
    private float[] rates = x;
    private float[] state = x;
    private float[] out = x;

    public SelectiveScan(WorkerPool pool) {
        cut = new Cut(pool);
    }

    /// As [io.moetier.kernels.device.Kernels#selectiveScan].
    public void run(
            float[] x,
            float[] step,
            float[] b,
            float[] c,
            int n,
            int channels,
            float[] rates,
            float[] state,
            float[] out) {
        this.x = x;
        this.step = step;
        this.b = b;
        this.c = c;
        this.n = n;
        this.channels = channels;
        this.rates = rates;
        this.state = state;
        this.out = out;
        cut.rows(this, channels, (long) n * (rates.length / channels));
    }

    @Override
    public void run(int part, int worker) {
        int from = cut.from(part);
        int length = cut.from(part + 1) - from;
        int stateSize = rates.length / channels;
        for (int t = 0; t < n; t++) {
            int at = t * channels + from;
            Arrays.fill(out, at, at + length, 0f);
            for (int s = 0; s < stateSize; s++) {
                advance(at, s * channels + from, length, b[t * stateSize + s], c[t * stateSize + s]);
            }
        }
    }

    private void advance(int at, int stateAt, int length, float write, float read) {
        for (int i = 0; i < length; i++) {
            float decay = (float) Math.exp(-rates[stateAt + i] * step[at + i]);
            float h = decay * state[stateAt + i] + step[at + i] * x[at + i] * write;
            state[stateAt + i] = h;
            out[at + i] += read * h;
        }
    }
}
