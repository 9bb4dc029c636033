package io.moetier.kernels.cpu.rows;

import io.moetier.kernels.cpu.pool.Cut;
import io.moetier.kernels.cpu.pool.WorkerPool;
import io.moetier.kernels.device.RopeTable;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Rotation of heads by their position, by tokens.
public final class Rope implements WorkerPool.Job {
    private final Cut cut;
    private float[] x = new float[0];
    private int heads;
    private int headDim;
    private int firstRotated; // of a head
    private int firstPosition;
    private @Nullable RopeTable table;
    private RopeTable.@Nullable Angles angles;

    public Rope(WorkerPool pool) {
        cut = new Cut(pool);
    }

    /// As [io.moetier.kernels.device.Kernels#rope].
    public void run(float[] x, int n, int heads, int headDim, int firstRotated, int firstPosition, RopeTable table) {
        this.x = x;
        this.heads = heads;
        this.headDim = headDim;
        this.firstRotated = firstRotated;
        this.firstPosition = firstPosition;
        this.table = table;
        this.angles = table.reserve(firstPosition + n);
        cut.rows(this, n, (long) heads * headDim);
    }

    @Override
    public void run(int part, int worker) {
        RopeTable.Angles known = Objects.requireNonNull(angles);
        RopeTable pairs = Objects.requireNonNull(table);
        int half = pairs.rotaryDim() / 2;
        int step = pairs.interleaved() ? 2 : 1;
        int apart = pairs.interleaved() ? 1 : half;
        for (int token = cut.from(part); token < cut.from(part + 1); token++) {
            for (int head = 0; head < heads; head++) {
                int at = (token * heads + head) * headDim + firstRotated;
                rotate(x, at, half, step, apart, known.cos(), known.sin(), (firstPosition + token) * half);
            }
        }
    }

    private static void rotate(
            float[] x, int at, int half, int step, int apart, float[] cos, float[] sin, int angleAt) {
        for (int i = 0; i < half; i++) {
            int first = at + i * step;
            float a = x[first];
            float b = x[first + apart];
            x[first] = a * cos[angleAt + i] - b * sin[angleAt + i];
            x[first + apart] = b * cos[angleAt + i] + a * sin[angleAt + i];
        }
    }
}
