package io.moetier.runtime.model.vision;

import io.moetier.runtime.model.spec.VisionSpec;
import io.moetier.runtime.model.weight.Weights;
import org.jspecify.annotations.Nullable;

/// What is added to patches, as it was learned for each place of a square.
final class LearnedPositions {
    private final VisionSpec.Learned spec;
    private final float[] table; // [places, size]
    private final float @Nullable [] classToken;
    private final int size;

    /// @param size floats of a patch in the layers
    LearnedPositions(VisionSpec spec, int size, Weights weights) {
        this.spec = spec.positions().learned();
        this.size = size;
        table = weights.vector(this.spec.table());
        classToken = spec.patches().classToken().map(weights::vector).orElse(null);
    }

    /// Checks that there are positions for a tile.
    ///
    /// @throws IllegalArgumentException if there are not
    void requireFit(PatchGrid grid) {
        if (spec.reach() == VisionSpec.Reach.UP_TO_SIDE) {
            if (grid.rows() > spec.side() || grid.cols() > spec.side()) {
                throw new IllegalArgumentException("the image has " + grid.rows() + " by " + grid.cols()
                        + " patches, where the model reads at most " + spec.side() + " along a side");
            }
        } else if (spec.reach() != VisionSpec.Reach.ANY_SIZE
                && (grid.rows() != spec.side() || grid.cols() != spec.side())) {
            throw new IllegalArgumentException("the image has tiles of " + grid.rows() + " by " + grid.cols()
                    + " patches, where the model reads " + spec.side() + " by " + spec.side());
        }
    }

    /// Returns the rows for the patches of a tile, and behind them the class token with its position, if there is one.
    float[] of(PatchGrid grid) {
        int numPatches = grid.number();
        float[] rows = new float[Math.multiplyExact(numPatches + (classToken == null ? 0 : 1), size)];
        for (int patch = 0; patch < numPatches; patch++) {
            switch (spec.reach()) {
                case ANY_SIZE -> interpolate(grid, patch, rows);
                case ONE_SIZE_BEHIND_CLASS -> add(1 + place(grid, patch), 1, rows, patch);
                case ONE_SIZE_BEFORE_CLASS -> add(place(grid, patch), 1, rows, patch);
                case UP_TO_SIDE -> {
                    add(grid.col(patch), 1, rows, patch);
                    add(spec.side() + grid.row(patch), 1, rows, patch);
                }
            }
        }
        if (classToken != null) {
            System.arraycopy(classToken, 0, rows, numPatches * size, size);
            switch (spec.reach()) {
                case ANY_SIZE, UP_TO_SIDE -> {} // it is at no place
                case ONE_SIZE_BEHIND_CLASS -> add(0, 1, rows, numPatches);
                case ONE_SIZE_BEFORE_CLASS -> add(numPatches, 1, rows, numPatches);
            }
        }
        return rows;
    }

    private int place(PatchGrid grid, int patch) {
        return grid.row(patch) * spec.side() + grid.col(patch);
    }

    private void interpolate(PatchGrid grid, int patch, float[] rows) {
        int side = spec.side();
        float y = source(grid.row(patch), grid.rows());
        float x = source(grid.col(patch), grid.cols());
        int top = (int) y;
        int left = (int) x;
        int bottom = Math.min(top + 1, side - 1);
        int right = Math.min(left + 1, side - 1);
        float down = y - top;
        float over = x - left;
        add(top * side + left, (1 - down) * (1 - over), rows, patch);
        add(top * side + right, (1 - down) * over, rows, patch);
        add(bottom * side + left, down * (1 - over), rows, patch);
        add(bottom * side + right, down * over, rows, patch);
    }

    private float source(int at, int length) {
        return length == 1 ? 0 : (float) at * (spec.side() - 1) / (length - 1);
    }

    private void add(int place, float share, float[] to, int toRow) {
        for (int i = 0; i < size; i++) {
            to[toRow * size + i] += share * table[place * size + i];
        }
    }
}
