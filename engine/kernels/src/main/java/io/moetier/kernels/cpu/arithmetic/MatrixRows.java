package io.moetier.kernels.cpu.arithmetic;

/// A matrix whose rows are arrays of their own, with a row that is written to it, one that is read from it, and a
/// number for each row. The arrays are replaced when another size is asked for, and a model has one.
public final class MatrixRows {
    /// The matrix: `[rows][cols]`.
    public float[][] state = new float[0][0];

    /// `[cols]`: what goes into the rows.
    public float[] write = new float[0];

    /// `[cols]`: what comes out of them.
    public float[] read = new float[0];

    /// `[rows]`: what each row is multiplied by.
    public float[] decays = new float[0];

    /// Makes room for a matrix of exactly this size.
    public void reserve(int rows, int cols) {
        if (state.length != rows || write.length != cols) {
            state = new float[rows][cols];
            write = new float[cols];
            read = new float[cols];
            decays = new float[rows];
        }
    }

    /// Reads the matrix from `from[at ..]`.
    public void load(float[] from, int at) {
        for (int row = 0; row < state.length; row++) {
            System.arraycopy(from, at + row * write.length, state[row], 0, write.length);
        }
    }

    /// Writes the matrix to `to[at ..]`.
    public void store(float[] to, int at) {
        for (int row = 0; row < state.length; row++) {
            System.arraycopy(state[row], 0, to, at + row * write.length, write.length);
        }
    }

    long byteSize() {
        return Float.BYTES * ((long) state.length * write.length + write.length + read.length + decays.length);
    }
}
