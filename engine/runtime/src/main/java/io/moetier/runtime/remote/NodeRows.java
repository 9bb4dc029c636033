package io.moetier.runtime.remote;

/// Rows of activations for experts of one layer that other machines compute.
///
/// @param layer of the model
/// @param tokens of the whole pass
/// @param size elements of a row
/// @param inputs `[numInputs, size]`, what experts read
/// @param numInputs how many rows these are
/// @param groups which experts read which of them
public record NodeRows(int layer, int tokens, int size, float[] inputs, int numInputs, Groups groups) {
    /// Which experts read which rows: expert `i` reads `inputRows[from[i]]` to `inputRows[from[i] + counts[i] - 1]`.
    ///
    /// Filled anew for every layer, and no longer than the layer.
    public static final class Groups {
        public int numExperts;
        public final int[] experts;
        public final int[] counts;
        public final int[] from;
        public final float[] weights;
        public final int[] inputRows;
        public int numRows;

        /// @param mostExperts of one layer
        /// @param mostRows that all of them together may read
        public Groups(int mostExperts, int mostRows) {
            experts = new int[mostExperts];
            counts = new int[mostExperts];
            from = new int[mostExperts];
            weights = new float[mostExperts];
            inputRows = new int[mostRows];
        }
    }

    public int numExperts() {
        return groups.numExperts;
    }

    public int numRows() {
        return groups.numRows;
    }

    /// Returns the first row of the results of expert `i`.
    public int from(int i) {
        return groups.from[i];
    }
}
