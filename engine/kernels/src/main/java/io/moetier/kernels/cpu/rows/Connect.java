package io.moetier.kernels.cpu.rows;

import io.moetier.kernels.cpu.pool.Cut;
import io.moetier.kernels.cpu.pool.WorkerPool;
import io.moetier.kernels.device.StreamShape;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The coefficients of hyper-connections, by tokens; computed in double.
public final class Connect implements WorkerPool.Job {
    private static final int RESULT = 1; // of the parts
    private static final int MATRIX = 2;

    private final Cut cut;
    private float[] mixes = new float[0];
    private @Nullable StreamShape shape;
    private float[] out = mixes;

    public Connect(WorkerPool pool) {
        cut = new Cut(pool);
    }

    /// As [io.moetier.kernels.device.Kernels#connect].
    public void run(float[] mixes, int n, StreamShape shape, float[] out) {
        this.mixes = mixes;
        this.shape = shape;
        this.out = out;
        cut.rows(this, n, (long) shape.width() * (1 + shape.iterations()));
    }

    @Override
    public void run(int part, int worker) {
        StreamShape s = Objects.requireNonNull(shape);
        int streams = s.streams();
        for (int token = cut.from(part); token < cut.from(part + 1); token++) {
            int at = token * s.width();
            for (int i = 0; i < s.width(); i++) {
                int of = Math.min(i / streams, MATRIX);
                double mix = (double) mixes[at + i] * s.scales()[of] + s.bases()[i];
                out[at + i] = (float)
                        switch (of) {
                            case 0 -> 1 / (1 + Math.exp(-mix)) + s.epsilon();
                            case RESULT -> 2 / (1 + Math.exp(-mix));
                            default -> mix;
                        };
            }
            if (s.writes()) {
                balance(at + MATRIX * streams, streams, s);
            }
        }
    }

    /// Makes the matrix doubly stochastic.
    private void balance(int at, int streams, StreamShape s) {
        for (int row = at; row < at + streams * streams; row += streams) {
            double most = Double.NEGATIVE_INFINITY;
            for (int i = row; i < row + streams; i++) {
                most = Math.max(most, out[i]);
            }
            double sum = 0;
            for (int i = row; i < row + streams; i++) {
                sum += Math.exp(out[i] - most);
            }
            for (int i = row; i < row + streams; i++) {
                out[i] = (float) (Math.exp(out[i] - most) / sum + s.epsilon());
            }
        }
        divide(at, streams, 1, streams, s.epsilon());
        for (int i = 1; i < s.iterations(); i++) {
            divide(at, streams, streams, 1, s.epsilon());
            divide(at, streams, 1, streams, s.epsilon());
        }
    }

    /// Divides each line, whose elements are `step` apart, by its sum.
    private void divide(int at, int streams, int apart, int step, float epsilon) {
        for (int line = 0; line < streams; line++) {
            int first = at + line * apart;
            double sum = epsilon;
            for (int i = 0; i < streams; i++) {
                sum += out[first + i * step];
            }
            for (int i = 0; i < streams; i++) {
                out[first + i * step] = (float) (out[first + i * step] / sum);
            }
        }
    }
}
