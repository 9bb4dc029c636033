package io.moetier.engine.device.cpu;

import io.moetier.engine.tensor.WeightMatrix;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Matrix products on all threads. One column reads the weights in as many ascending streams as there are parts;
/// several columns are packed, and share each decoded weight.
///
/// One product at a time: the fields are the arguments of the one that runs.
final class MatrixProduct {
    /// Most columns whose results a thread holds at a time.
    private static final int COLUMN_BLOCK = 128;

    /// Most tiles of a part with several columns, so that its results stay in the second-level cache.
    private static final int TILE_BLOCK = 16;

    private static final int ROWS = WeightMatrix.TILE_ROWS;

    private final WorkerPool pool;
    private final Arithmetic arithmetic;
    private final Scratch[] scratch;
    private final WorkerPool.Job oneColumn = this::oneColumn;
    private final WorkerPool.Job manyColumns = this::manyColumns;
    private @Nullable WeightMatrix weights;
    private float[] x = new float[0];
    private int xAt;
    private int n;
    private float[] out = x;
    private int outAt;
    private int @Nullable [] outRows;
    private int firstRow;
    private int parts;
    private int tileBlock;
    private int columnBlocks;

    MatrixProduct(WorkerPool pool, Arithmetic arithmetic, Scratch[] scratch) {
        this.pool = pool;
        this.arithmetic = arithmetic;
        this.scratch = scratch;
    }

    /// Multiplies one column, `x[xAt ..]`, into `out[outAt ..]`.
    void column(WeightMatrix w, float[] x, int xAt, float[] out, int outAt) {
        this.weights = w;
        this.x = x;
        this.xAt = xAt;
        this.out = out;
        this.outAt = outAt;
        this.parts = Partition.parts(pool.threads(), w.tiles(), w.bytes().byteSize());
        pool.run(oneColumn, parts);
    }

    private void oneColumn(int part, int worker) {
        WeightMatrix w = Objects.requireNonNull(weights);
        int from = Partition.bound(part, parts, w.tiles());
        int to = Partition.bound(part + 1, parts, w.tiles());
        int whole = Math.min(to, w.rows() / ROWS);
        arithmetic.gemv(w, from, whole, x, xAt, out, outAt + from * ROWS, scratch[worker]);
        if (whole < to) {
            float[] sums = scratch[worker].sums(ROWS);
            arithmetic.gemv(w, whole, to, x, xAt, sums, 0, scratch[worker]);
            System.arraycopy(sums, 0, out, outAt + whole * ROWS, w.rows() - whole * ROWS);
        }
    }

    /// Multiplies `n` packed columns; column `i` goes to row `firstRow + i` of `out`, or to row `outRows[firstRow + i]`
    /// if there are `outRows`.
    void columns(WeightMatrix w, float[] packed, int n, float[] out, int @Nullable [] outRows, int firstRow) {
        this.weights = w;
        this.x = packed;
        this.n = n;
        this.out = out;
        this.outRows = outRows;
        this.firstRow = firstRow;
        this.tileBlock = tileBlock(w.tiles(), pool.threads());
        this.columnBlocks = columnBlocks(n);
        pool.run(manyColumns, (w.tiles() + tileBlock - 1) / tileBlock * columnBlocks);
    }

    /// Returns how many tiles a part takes.
    static int tileBlock(int tiles, int threads) {
        return Math.clamp(tiles / (2 * threads), 1, TILE_BLOCK);
    }

    /// Returns into how many blocks `n` columns are cut.
    static int columnBlocks(int n) {
        return (n + COLUMN_BLOCK - 1) / COLUMN_BLOCK;
    }

    private void manyColumns(int part, int worker) {
        WeightMatrix w = Objects.requireNonNull(weights);
        int from = part / columnBlocks * tileBlock;
        int to = Math.min(from + tileBlock, w.tiles());
        int firstColumn = Partition.bound(part % columnBlocks, columnBlocks, n);
        int lastColumn = Partition.bound(part % columnBlocks + 1, columnBlocks, n);
        int count = lastColumn - firstColumn;
        float[] sums = scratch[worker].sums((to - from) * count * ROWS);
        arithmetic.gemm(w, from, to, x, n, firstColumn, lastColumn, sums, scratch[worker]);
        for (int j = 0; j < count; j++) {
            int i = firstRow + firstColumn + j;
            int row = outRows == null ? i : outRows[i];
            for (int tile = from; tile < to; tile++) {
                int length = Math.min(ROWS, w.rows() - tile * ROWS);
                int at = ((tile - from) * count + j) * ROWS;
                System.arraycopy(sums, at, out, row * w.rows() + tile * ROWS, length);
            }
        }
    }
}
