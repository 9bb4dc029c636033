package io.moetier.runtime.model.vision;

import io.moetier.kernels.device.RopeTable;

/// Where the patches of an image are.
///
/// @param side patches along a side of what is merged; those of one square follow each other, row by row
record PatchGrid(int rows, int cols, int side) {
    private static final int AXES = 2;

    /// @throws IllegalArgumentException if the image cannot be cut into squares
    PatchGrid {
        if (rows % side != 0 || cols % side != 0) {
            throw new IllegalArgumentException("an image of " + rows + " by " + cols
                    + " patches cannot be cut into squares of " + side + " by " + side);
        }
    }

    int row(int patch) {
        int square = patch / (side * side);
        return square / (cols / side) * side + patch % (side * side) / side;
    }

    int col(int patch) {
        int square = patch / (side * side);
        return square % (cols / side) * side + patch % side;
    }

    /// Returns the rotations of its patches: half of the pairs by the row, half by the column.
    RopeTable rotations(int headDim, double theta) {
        int ofAxis = headDim / 2 / AXES;
        double[] frequencies = new double[ofAxis * AXES];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = Math.pow(theta, -(double) (i % ofAxis) / ofAxis);
        }
        return RopeTable.of(frequencies, false, (patch, pair) -> {
            int known = patch % (rows * cols); // a table may be asked for more
            return pair < ofAxis ? row(known) : col(known);
        });
    }

    /// Returns the rows of a learned table for its patches, interpolated between the four nearest, the corners of table
    /// and image lying on each other.
    ///
    /// @param table `[tableSide * tableSide, size]`
    float[] positions(float[] table, int tableSide, int size) {
        float[] positions = new float[Math.multiplyExact(rows * cols, size)];
        for (int patch = 0; patch < rows * cols; patch++) {
            float y = source(row(patch), rows, tableSide);
            float x = source(col(patch), cols, tableSide);
            int top = (int) y;
            int left = (int) x;
            int bottom = Math.min(top + 1, tableSide - 1);
            int right = Math.min(left + 1, tableSide - 1);
            float down = y - top;
            float over = x - left;
            add(table, top * tableSide + left, (1 - down) * (1 - over), positions, patch, size);
            add(table, top * tableSide + right, (1 - down) * over, positions, patch, size);
            add(table, bottom * tableSide + left, down * (1 - over), positions, patch, size);
            add(table, bottom * tableSide + right, down * over, positions, patch, size);
        }
        return positions;
    }

    private static float source(int at, int length, int tableSide) {
        return length == 1 ? 0 : (float) at * (tableSide - 1) / (length - 1);
    }

    private static void add(float[] table, int row, float share, float[] to, int toRow, int size) {
        for (int i = 0; i < size; i++) {
            to[toRow * size + i] += share * table[row * size + i];
        }
    }
}
