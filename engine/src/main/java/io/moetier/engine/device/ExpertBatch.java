package io.moetier.engine.device;

import io.moetier.engine.tensor.WeightMatrix;
import java.util.Arrays;

/// Experts of one layer that are computed together, and the tokens of each.
///
/// Filled anew for every call of [Kernels#expertFfn]; nothing is allocated once it has held as many experts before.
public final class ExpertBatch {
    private WeightMatrix[] matrices = new WeightMatrix[0]; // gate, up and down of each
    private int[] from = new int[0];
    private int[] n = new int[0];
    private int[] rows = new int[0];
    private int[] outRows = new int[0];
    private int size;
    private int numRows;

    /// Empties the batch.
    ///
    /// @param rows the rows of activations that experts read, group by group; not copied
    /// @param outRows where the result of each goes; not copied
    public void begin(int[] rows, int[] outRows) {
        this.rows = rows;
        this.outRows = outRows;
        size = 0;
        numRows = 0;
    }

    /// Adds an expert that reads rows `rows[from]` to `rows[from + n - 1]`.
    ///
    /// Experts may differ in the rows of gate and up, which are the columns of down.
    ///
    /// @throws IllegalArgumentException if there is no row, the matrices do not suit each other, or the expert
    ///     reads or writes rows of another length than the first
    public void add(WeightMatrix gate, WeightMatrix up, WeightMatrix down, int from, int n) {
        if (n < 1
                || gate.rows() != up.rows()
                || gate.cols() != up.cols()
                || gate.rows() != down.cols()
                || (size > 0 && (gate.cols() != gate(0).cols() || down.rows() != down(0).rows()))) {
            throw new IllegalArgumentException("gate " + gate.rows() + " x " + gate.cols() + ", up " + up.rows() + " x "
                    + up.cols() + ", down " + down.rows() + " x " + down.cols() + " with " + n
                    + " rows are no expert of this batch");
        }
        if (size == this.from.length) {
            int capacity = Math.max(8, 2 * size);
            matrices = Arrays.copyOf(matrices, 3 * capacity);
            this.from = Arrays.copyOf(this.from, capacity);
            this.n = Arrays.copyOf(this.n, capacity);
        }
        matrices[3 * size] = gate;
        matrices[3 * size + 1] = up;
        matrices[3 * size + 2] = down;
        this.from[size] = from;
        this.n[size] = n;
        size++;
        numRows += n;
    }

    /// Returns how many experts there are.
    public int size() {
        return size;
    }

    /// Returns how many rows all experts have together.
    public int numRows() {
        return numRows;
    }

    /// Returns the gate projection of an expert.
    public WeightMatrix gate(int expert) {
        return matrices[3 * expert];
    }

    /// Returns the up projection of an expert.
    public WeightMatrix up(int expert) {
        return matrices[3 * expert + 1];
    }

    /// Returns the down projection of an expert.
    public WeightMatrix down(int expert) {
        return matrices[3 * expert + 2];
    }

    /// Returns where the rows of an expert start in [#rows] and [#outRows].
    public int from(int expert) {
        return from[expert];
    }

    /// Returns how many rows an expert has.
    public int n(int expert) {
        return n[expert];
    }

    /// Returns the rows that experts read.
    public int[] rows() {
        return rows;
    }

    /// Returns the rows that experts write.
    public int[] outRows() {
        return outRows;
    }

    /// Returns the largest row that is read.
    public int largestRow() {
        return largest(rows);
    }

    /// Returns the largest row that is written.
    public int largestOutRow() {
        return largest(outRows);
    }

    private int largest(int[] numbers) {
        int largest = 0;
        for (int expert = 0; expert < size; expert++) {
            for (int i = from[expert]; i < from[expert] + n[expert]; i++) {
                largest = Math.max(largest, numbers[i]);
            }
        }
        return largest;
    }
}
