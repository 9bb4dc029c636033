package io.moetier.kernels.cpu.attention;

import io.moetier.kernels.cpu.pool.Cut;
import io.moetier.kernels.cpu.pool.WorkerPool;
import org.jspecify.annotations.Nullable;

/// A causal convolution of each channel by itself, cut by channels; tokens follow each other. Taps are added from the
/// oldest token to the newest.
public final class CausalConvolution implements WorkerPool.Job {
    private final Cut cut;
    private float[] x = new float[0];
    private int n;
    private int channels;
    private float[] taps = x;
    private float @Nullable [] bias;
    private float[] state = x;

    public CausalConvolution(WorkerPool pool) {
        cut = new Cut(pool);
    }

    /// As [io.moetier.kernels.device.Kernels#causalConvolution].
    public void run(float[] x, int n, int channels, float[] taps, float @Nullable [] bias, float[] state) {
        this.x = x;
        this.n = n;
        this.channels = channels;
        this.taps = taps;
        this.bias = bias;
        this.state = state;
        cut.rows(this, channels, (long) n * (taps.length / channels));
    }

    @Override
    public void run(int part, int worker) {
        int from = cut.from(part);
        int length = cut.from(part + 1) - from;
        for (int t = 0; t < n; t++) {
            int at = t * channels + from;
            remember(at, from, length);
            start(at, from, length);
            for (int tap = from; tap < taps.length; tap += channels) {
                addTap(at, tap, length);
            }
        }
    }

    /// Shifts the state by one token, `x[at ..]` becoming its newest.
    private void remember(int at, int from, int length) {
        int newest = taps.length - channels + from;
        for (int row = from; row < newest; row += channels) {
            System.arraycopy(state, row + channels, state, row, length);
        }
        System.arraycopy(x, at, state, newest, length);
    }

    private void start(int at, int from, int length) {
        for (int i = 0; i < length; i++) {
            x[at + i] = bias == null ? 0f : bias[from + i];
        }
    }

    private void addTap(int at, int tap, int length) {
        for (int i = 0; i < length; i++) {
            x[at + i] += taps[tap + i] * state[tap + i];
        }
    }
}
