package io.moetier.kernels.cpu.rows;

import io.moetier.kernels.cpu.pool.Cut;
import io.moetier.kernels.cpu.pool.WorkerPool;
import io.moetier.kernels.device.StreamShape;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The way of a result into the residual streams of a token, by tokens: the streams are mixed, some columns at a time.
public final class WriteStreams implements WorkerPool.Job {
    private static final int TOGETHER = 256; // columns

    private final Cut cut;
    private final float[][] mixed; // of each thread: [streams][TOGETHER]
    private float[] x = new float[0];
    private float[] coefficients = x;
    private @Nullable StreamShape shape;
    private int cols;
    private float[] streams = x;

    public WriteStreams(WorkerPool pool) {
        cut = new Cut(pool);
        mixed = new float[pool.threads()][StreamShape.MOST_STREAMS * TOGETHER];
    }

    /// As [io.moetier.kernels.device.Kernels#writeStreams].
    public void run(float[] x, float[] coefficients, int n, StreamShape shape, int cols, float[] streams) {
        this.x = x;
        this.coefficients = coefficients;
        this.shape = shape;
        this.cols = cols;
        this.streams = streams;
        cut.rows(this, n, (long) shape.streams() * shape.streams() * cols);
    }

    @Override
    public void run(int part, int worker) {
        StreamShape s = Objects.requireNonNull(shape);
        int count = s.streams();
        float[] room = mixed[worker];
        for (int token = cut.from(part); token < cut.from(part + 1); token++) {
            int weights = token * s.width() + count;
            for (int column = 0; column < cols; column += TOGETHER) {
                int length = Math.min(TOGETHER, cols - column);
                int at = token * count * cols + column;
                for (int to = 0; to < count; to++) {
                    Loops.scale(x, token * cols + column, coefficients[weights + to], room, to * TOGETHER, length);
                    for (int from = 0; from < count; from++) {
                        float weight = coefficients[weights + count + from * count + to];
                        Loops.addScaled(streams, at + from * cols, weight, room, to * TOGETHER, length);
                    }
                }
                for (int to = 0; to < count; to++) {
                    System.arraycopy(room, to * TOGETHER, streams, at + to * cols, length);
                }
            }
        }
    }
}
