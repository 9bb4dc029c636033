package io.moetier.kernels.cpu.products;

import io.moetier.kernels.cpu.arithmetic.PackedColumns;
import io.moetier.kernels.cpu.arithmetic.Scratch;
import io.moetier.kernels.device.ExpertBatch;
import io.moetier.kernels.device.ExpertWeights;
import io.moetier.kernels.tensor.WeightMatrix;

/// The feed-forward networks of several experts, in four sections of work for all of them together: activations are
/// packed, gate and up are multiplied and combined, the results are packed, where the activations were, and multiplied
/// with down.
public final class ExpertProducts implements ExpertNetworks {
    private final ColumnPacker packer;
    private final MatrixProducts products;
    private final ExpertColumns columns = new ExpertColumns();
    private final ExpertColumns upColumns = new ExpertColumns(); // where up has another type than gate
    private int[] inputOf = new int[0]; // the expert whose packed input an expert reads
    private int[] hiddenAt = inputOf; // where the results of gate and up of an expert start in `hidden`
    private float[] hidden = new float[0];

    public ExpertProducts(ColumnPacker packer, MatrixProducts products) {
        this.packer = packer;
        this.products = products;
    }

    @Override
    public void run(ExpertBatch batch, float[] x, float[] out) {
        reserve(batch);
        for (int e = 0; e < batch.size(); e++) {
            inputOf[e] = sharesInput(batch, e) ? inputOf[e - 1] : e;
            if (inputOf[e] == e) {
                packInput(batch, e, x);
            }
        }
        packer.run();
        for (int e = 0; e < batch.size(); e++) {
            int input = inputOf[e];
            PackedColumns forUp = (isOneType(batch.get(e)) ? columns : upColumns).of(input);
            products.addActivated(batch.get(e), columns.of(input), forUp, hidden, hiddenAt[e]);
        }
        products.run();
        for (int e = 0; e < batch.size(); e++) {
            WeightMatrix down = batch.get(e).down();
            packer.add(down.dtype(), hidden, hiddenAt[e], down.cols(), null, 0, batch.n(e), columns.of(e));
        }
        packer.run();
        for (int e = 0; e < batch.size(); e++) {
            ExpertWeights expert = batch.get(e);
            products.add(expert.down(), expert.downBias(), columns.of(e), out, batch.outRows(), batch.from(e));
        }
        products.run();
    }

    @Override
    public long byteSize() {
        return (long) hidden.length * Float.BYTES + columns.byteSize() + upColumns.byteSize();
    }

    /// Returns the most bytes that are kept for batches.
    ///
    /// @param experts the most activations that the experts of one batch have columns of
    /// @param hidden the most that they have between gate and down
    public static long mostBytes(long experts, long hidden) {
        return hidden * Float.BYTES + (long) (ExpertColumns.KEPT * PackedColumns.mostBytes(experts));
    }

    private void packInput(ExpertBatch batch, int e, float[] x) {
        WeightMatrix first = batch.get(e).activated();
        WeightMatrix up = batch.get(e).up();
        packer.add(first.dtype(), x, 0, first.cols(), batch.rows(), batch.from(e), batch.n(e), columns.of(e));
        if (!isOneType(batch.get(e))) {
            packer.add(up.dtype(), x, 0, up.cols(), batch.rows(), batch.from(e), batch.n(e), upColumns.of(e));
        }
    }

    private static boolean isOneType(ExpertWeights expert) {
        return expert.activated().dtype() == expert.up().dtype();
    }

    /// Says whether an expert's only token is that of the expert before it, as when one token is decoded.
    private static boolean sharesInput(ExpertBatch batch, int e) {
        return e > 0
                && batch.n(e) == 1
                && batch.n(e - 1) == 1
                && batch.rows()[batch.from(e)] == batch.rows()[batch.from(e - 1)]
                && batch.get(e).activated().dtype()
                        == batch.get(e - 1).activated().dtype()
                && batch.get(e).up().dtype() == batch.get(e - 1).up().dtype();
    }

    private void reserve(ExpertBatch batch) {
        int size = batch.size();
        if (inputOf.length < size) {
            inputOf = new int[size];
            hiddenAt = new int[size];
        }
        columns.place(batch);
        upColumns.place(batch);
        int length = 0;
        for (int e = 0; e < size; e++) {
            hiddenAt[e] = length;
            length = Math.addExact(
                    length, Math.multiplyExact(batch.n(e), batch.get(e).up().rows()));
        }
        hidden = Scratch.atLeast(hidden, length);
    }
}
