package io.moetier.runtime.model.vision;

import io.moetier.kernels.device.RopeTable;
import io.moetier.runtime.model.spec.VisionSpec;
import java.util.ArrayList;
import java.util.List;

/// Where the patches of a tile are.
///
/// @param side patches along a side of what is merged; those of one square follow each other, row by row
record PatchGrid(int rows, int cols, int side) {
    private static final int AXES = 2;

    /// @throws IllegalArgumentException if the tile cannot be cut into squares
    PatchGrid {
        if (rows % side != 0 || cols % side != 0) {
            throw new IllegalArgumentException("an image of " + rows + " by " + cols
                    + " patches cannot be cut into squares of " + side + " by " + side);
        }
    }

    int number() {
        return rows * cols;
    }

    int row(int patch) {
        int square = patch / (side * side);
        return square / (cols / side) * side + patch % (side * side) / side;
    }

    int col(int patch) {
        int square = patch / (side * side);
        return square % (cols / side) * side + patch % side;
    }

    /// Returns the rotations of its patches, of the whole of each head or of equal parts of its elements; what stands
    /// behind the patches is not rotated.
    List<RopeTable> rotations(int headDim, VisionSpec.Rotation rotation) {
        int ofAxis = headDim / 2 / AXES;
        int axes = rotation.apart() ? 1 : AXES; // of a table
        double[] frequencies = new double[ofAxis * axes];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = Math.pow(rotation.theta(), -(double) (i % ofAxis) / ofAxis);
        }
        List<RopeTable> tables = new ArrayList<>();
        for (int axis = 0; axis < AXES; axis += axes) {
            int firstPair = axis * ofAxis;
            tables.add(RopeTable.of(frequencies, rotation.interleaved(), (patch, pair) -> {
                if (patch >= number()) {
                    return 0;
                }
                boolean byCol = (firstPair + pair < ofAxis) == rotation.colsFirst();
                return rotation.first() + (byCol ? col(patch) : row(patch));
            }));
        }
        return tables;
    }
}
