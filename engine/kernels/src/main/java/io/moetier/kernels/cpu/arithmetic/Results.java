package io.moetier.kernels.cpu.arithmetic;

import java.util.Objects;

/// Where a thread's share of a matrix product goes: a run of floats for each of some columns. Belongs to one thread,
/// which says anew for each share where that is.
public final class Results {
    private static final int[] AT_THE_OFFSET = {0};

    /// The array of all runs.
    public float[] floats = new float[0];

    /// Where in the array the runs are counted from; may be below 0.
    public int offset;

    /// How far behind the offset the run of each column starts, the columns before the first one included.
    public int[] starts = AT_THE_OFFSET;

    public int firstColumn;

    /// The column behind the last one.
    public int lastColumn;

    private int[] multiples = new int[0];
    private int multiplesOf;

    /// Places the start of column `c` at `floats[offset + starts[c]]`.
    public Results to(float[] floats, int offset, int[] starts, int firstColumn, int lastColumn) {
        this.floats = floats;
        this.offset = offset;
        this.starts = starts;
        this.firstColumn = firstColumn;
        this.lastColumn = lastColumn;
        return this;
    }

    /// Places the columns one after another from `floats[at]` on, `length` floats each.
    public Results dense(float[] floats, int at, int firstColumn, int lastColumn, int length) {
        int[] known = lastColumn == 1 ? AT_THE_OFFSET : multiples(lastColumn, length);
        return to(floats, at - firstColumn * length, known, firstColumn, lastColumn);
    }

    /// Places the start of the only column at `floats[at]`.
    public Results only(float[] floats, int at) {
        return to(floats, at, AT_THE_OFFSET, 0, 1);
    }

    /// Returns where the run of a column starts.
    public int at(int column) {
        return offset + starts[column];
    }

    /// Wants room for `length` floats in each column.
    ///
    /// @throws IndexOutOfBoundsException if there is not so much
    public void requireRoom(int length) {
        for (int column = firstColumn; column < lastColumn; column++) {
            Objects.checkFromIndexSize(at(column), length, floats.length);
        }
    }

    private int[] multiples(int count, int length) {
        if (multiples.length < count || multiplesOf != length) {
            multiples = multiples.length < count ? new int[count] : multiples;
            multiplesOf = length;
            for (int i = 0; i < multiples.length; i++) {
                multiples[i] = i * length;
            }
        }
        return multiples;
    }
}
