package io.moetier.engine.device.cpu;

import io.moetier.engine.tensor.WeightMatrix;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The feed-forward network of one expert. Gate, up and the activation between them are one parallel section, whose
/// results already lie as the product with `down` wants them; so an expert takes two sections for one token and three
/// for many.
final class ExpertProduct {
    private static final int ROWS = WeightMatrix.TILE_ROWS;

    private final WorkerPool pool;
    private final Arithmetic arithmetic;
    private final Scratch[] scratch;
    private final MatrixProduct product;
    private final PackedColumns inputs;
    private final PackedColumns hidden;
    private final WorkerPool.Job oneColumn = this::oneColumn;
    private final WorkerPool.Job manyColumns = this::manyColumns;
    private @Nullable WeightMatrix gate;
    private @Nullable WeightMatrix up;
    private float[] x = new float[0];
    private int xAt;
    private int n;
    private float[] activated = x;
    private int parts;
    private int tileBlock;
    private int columnBlocks;

    ExpertProduct(
            WorkerPool pool, Arithmetic arithmetic, Scratch[] scratch, MatrixProduct product, PackedColumns inputs) {
        this.pool = pool;
        this.arithmetic = arithmetic;
        this.scratch = scratch;
        this.product = product;
        this.inputs = inputs;
        this.hidden = new PackedColumns(pool);
    }

    /// As [io.moetier.engine.device.Kernels#expertFfn].
    void run(
            WeightMatrix gate,
            WeightMatrix up,
            WeightMatrix down,
            float[] x,
            int[] rows,
            int from,
            int n,
            int[] outRows,
            float[] out) {
        this.gate = gate;
        this.up = up;
        this.n = n;
        this.activated = hidden.reserve(n, gate.rows());
        if (n == 1) {
            this.x = x;
            this.xAt = rows[from] * gate.cols();
            this.parts = Partition.parts(
                    pool.threads(), gate.tiles(), 2 * gate.bytes().byteSize());
            pool.run(oneColumn, parts);
            product.column(down, activated, 0, out, outRows[from] * down.rows());
        } else {
            this.x = inputs.pack(x, rows, from, n, gate.cols());
            this.tileBlock = MatrixProduct.tileBlock(gate.tiles(), pool.threads());
            this.columnBlocks = MatrixProduct.columnBlocks(n);
            pool.run(manyColumns, (gate.tiles() + tileBlock - 1) / tileBlock * columnBlocks);
            product.columns(down, activated, n, out, outRows, from);
        }
    }

    private void oneColumn(int part, int worker) {
        WeightMatrix g = Objects.requireNonNull(gate);
        int from = Partition.bound(part, parts, g.tiles());
        int to = Partition.bound(part + 1, parts, g.tiles());
        int length = (to - from) * ROWS;
        float[] sums = scratch[worker].sums(length);
        arithmetic.gemv(g, from, to, x, xAt, activated, from * ROWS, scratch[worker]);
        arithmetic.gemv(Objects.requireNonNull(up), from, to, x, xAt, sums, 0, scratch[worker]);
        arithmetic.swiGlu(activated, from * ROWS, sums, 0, length, scratch[worker]);
    }

    private void manyColumns(int part, int worker) {
        WeightMatrix g = Objects.requireNonNull(gate);
        int from = part / columnBlocks * tileBlock;
        int to = Math.min(from + tileBlock, g.tiles());
        int firstColumn = Partition.bound(part % columnBlocks, columnBlocks, n);
        int lastColumn = Partition.bound(part % columnBlocks + 1, columnBlocks, n);
        int length = (lastColumn - firstColumn) * ROWS;
        Scratch own = scratch[worker];
        float[] gates = own.sums((to - from) * length);
        float[] ups = own.otherSums((to - from) * length);
        arithmetic.gemm(g, from, to, x, n, firstColumn, lastColumn, gates, own);
        arithmetic.gemm(Objects.requireNonNull(up), from, to, x, n, firstColumn, lastColumn, ups, own);
        arithmetic.swiGlu(gates, 0, ups, 0, (to - from) * length, own);
        for (int tile = from; tile < to; tile++) {
            System.arraycopy(gates, (tile - from) * length, activated, (tile * n + firstColumn) * ROWS, length);
        }
    }
}
