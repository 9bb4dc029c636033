package io.moetier.engine.device.cpu;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Rows of activations rearranged for a matrix product, `[cols / 16][n][16]`, the last sixteen padded with zeros.
final class PackedColumns {
    private static final int DEPTH = 16;
    private static final int SMALL = 1 << 15;

    private final WorkerPool pool;
    private final WorkerPool.Job pack = this::pack;
    private float[] floats = new float[0];
    private float[] x = floats;
    private int @Nullable [] rows;
    private int firstRow;
    private int n;
    private int cols;
    private int parts;

    PackedColumns(WorkerPool pool) {
        this.pool = pool;
    }

    /// Returns room for `n` columns of `cols` elements.
    float[] reserve(int n, int cols) {
        floats = Scratch.grown(floats, Math.multiplyExact(n, (cols + DEPTH - 1) / DEPTH * DEPTH));
        return floats;
    }

    /// Packs rows `firstRow + i` of `x`, or `rows[firstRow + i]` if there are `rows`, and returns them.
    float[] pack(float[] x, int @Nullable [] rows, int firstRow, int n, int cols) {
        reserve(n, cols);
        this.x = x;
        this.rows = rows;
        this.firstRow = firstRow;
        this.n = n;
        this.cols = cols;
        this.parts = n * cols < SMALL ? 1 : Math.min(n, 2 * pool.threads());
        pool.run(pack, parts);
        return floats;
    }

    private void pack(int part, int worker) {
        int end = Partition.bound(part + 1, parts, n);
        for (int i = Partition.bound(part, parts, n); i < end; i++) {
            int row = rows == null ? firstRow + i : rows[firstRow + i];
            int from = row * cols;
            for (int k = 0; k < cols; k += DEPTH) {
                int to = k * n + i * DEPTH;
                int length = Math.min(DEPTH, cols - k);
                System.arraycopy(x, from + k, floats, to, length);
                Arrays.fill(floats, to + length, to + DEPTH, 0f);
            }
        }
    }
}
