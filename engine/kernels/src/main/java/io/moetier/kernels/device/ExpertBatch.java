package io.moetier.kernels.device;

import java.util.Arrays;

/// Experts of one layer that are computed together, and the tokens of each.
///
/// Filled anew for every call of [Kernels#expertFfn]; nothing is allocated once it has held as many experts before.
public final class ExpertBatch {
    /// Most rows of several experts that are computed together: enough that threads have work.
    public static final int MOST_ROWS = 1024;

    /// Most of what several experts leave between gate and down, 16 MiB.
    public static final int MOST_HIDDEN = 1 << 22;

    private ExpertWeights[] experts = new ExpertWeights[0];
    private int[] from = new int[0];
    private int[] n = new int[0];
    private int[] rows = new int[0];
    private int[] outRows = new int[0];
    private int tokens;
    private int size;
    private int numRows;
    private long numHidden;

    /// Empties the batch.
    ///
    /// @param rows the rows of activations that experts read, group by group; not copied
    /// @param outRows where the result of each goes; not copied
    /// @param tokens of the whole pass, however many of its experts are in this batch
    public void begin(int[] rows, int[] outRows, int tokens) {
        this.rows = rows;
        this.outRows = outRows;
        this.tokens = tokens;
        size = 0;
        numRows = 0;
        numHidden = 0;
    }

    /// Adds an expert that reads rows `rows[from]` to `rows[from + n - 1]`.
    ///
    /// Experts may differ in their width and in what they compute.
    ///
    /// @throws IllegalArgumentException if there is no row, or rows are of another length than those of the first
    public void add(ExpertWeights expert, int from, int n) {
        boolean suits = size == 0
                || (expert.up().cols() == get(0).up().cols()
                        && expert.down().rows() == get(0).down().rows());
        if (n < 1 || !suits) {
            throw new IllegalArgumentException(
                    "up " + expert.up().rows() + " x " + expert.up().cols() + ", down "
                            + expert.down().rows() + " x " + expert.down().cols() + " with " + n
                            + " rows are no expert of this batch");
        }
        if (size == this.from.length) {
            int capacity = Math.max(8, 2 * size);
            experts = Arrays.copyOf(experts, capacity);
            this.from = Arrays.copyOf(this.from, capacity);
            this.n = Arrays.copyOf(this.n, capacity);
        }
        experts[size] = expert;
        this.from[size] = from;
        this.n[size] = n;
        size++;
        numRows += n;
        numHidden += (long) n * expert.up().rows();
    }

    /// Says whether an expert with so many rows is to be computed together with those that are here; if not, these go
    /// first, and it begins the next batch, however large it is.
    public boolean hasRoom(ExpertWeights expert, int rows) {
        return numRows + rows <= MOST_ROWS
                && numHidden + (long) rows * expert.up().rows() <= MOST_HIDDEN;
    }

    /// Returns how many tokens the pass has that the experts belong to, which may choose how they are computed.
    public int tokens() {
        return tokens;
    }

    /// Returns how many experts there are.
    public int size() {
        return size;
    }

    /// Returns how many rows all experts have together.
    public int numRows() {
        return numRows;
    }

    /// Returns the weights of an expert.
    public ExpertWeights get(int expert) {
        return experts[expert];
    }

    /// Returns the first expert that is alike to this one ([ExpertWeights#isAlike]), which may be itself.
    public int firstAlike(int expert) {
        int first = 0;
        while (!experts[first].isAlike(experts[expert])) {
            first++;
        }
        return first;
    }

    /// Returns the first expert whose down has the type of that of this one, which may be itself.
    public int firstOfDown(int expert) {
        int first = 0;
        while (experts[first].down().dtype() != experts[expert].down().dtype()) {
            first++;
        }
        return first;
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
        long rowsNeeded = 0;
        for (int expert = 0; expert < size; expert++) {
            rowsNeeded = Math.max(rowsNeeded, Operands.rowsOf(numbers, from[expert], n[expert]));
        }
        return (int) (rowsNeeded - 1);
    }
}
