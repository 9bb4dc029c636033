package io.moetier.runtime.model.vision;

import io.moetier.runtime.model.spec.VisionSpec;

/// An image as its tower reads it: tiles of `rows` rows and `cols` columns of patches, those patches that are
/// merged into one row behind each other. A tower without tiles takes an image as one.
///
/// @param values `[tiles * rows * cols, floats of a patch]`, normalised; not to be written
@SuppressWarnings("ArrayRecordComponent") // nobody compares images
public record ImagePatches(float[] values, int tiles, int rows, int cols) {
    /// @throws IllegalArgumentException if there is no patch, or not as many values for each
    public ImagePatches {
        boolean hasPatches = tiles >= 1 && rows >= 1 && cols >= 1 && values.length > 0;
        if (!hasPatches || values.length % Math.multiplyExact(tiles, Math.multiplyExact(rows, cols)) != 0) {
            throw new IllegalArgumentException(
                    values.length + " values are no image of " + tiles + " times " + rows + " by " + cols + " patches");
        }
    }

    /// Cuts tiles of `height` by `width` pixels, whose values lie channel by channel, into patches.
    ///
    /// @throws IllegalArgumentException if the values are no such tiles, or these cannot be cut
    public static ImagePatches ofTiles(float[] values, int height, int width, VisionSpec.Patches spec) {
        int side = spec.pixels();
        int channels = spec.linear().cols() / (side * side);
        long floatsOfTile = (long) channels * height * width;
        if (floatsOfTile == 0 || values.length == 0 || values.length % floatsOfTile != 0) {
            throw new IllegalArgumentException(values.length + " values are no tiles of " + channels + " channels, "
                    + height + " rows and " + width + " columns");
        }
        if (height % side != 0 || width % side != 0) {
            throw new IllegalArgumentException("tiles of " + height + " by " + width
                    + " pixels cannot be cut into patches of " + side + " by " + side);
        }
        int ofTile = (int) floatsOfTile;
        int tiles = values.length / ofTile;
        PatchGrid grid = new PatchGrid(height / side, width / side, spec.mergedSide());
        float[] patches = new float[values.length];
        int to = 0;
        for (int tile = 0; tile < tiles; tile++) {
            for (int patch = 0; patch < grid.number(); patch++) {
                int corner = tile * ofTile + grid.row(patch) * side * width + grid.col(patch) * side;
                for (int line = 0; line < channels * side; line++) {
                    int from = corner + line / side * height * width + line % side * width;
                    System.arraycopy(values, from, patches, to, side);
                    to += side;
                }
            }
        }
        return new ImagePatches(patches, tiles, grid.rows(), grid.cols());
    }

    /// Takes patches that follow each other row by row, of values from 0 to 1, which become values from -1 to 1.
    ///
    /// @throws IllegalArgumentException if the values are no such patches
    public static ImagePatches ofRows(float[] values, int rows, int cols, VisionSpec.Patches spec) {
        ImagePatches given = new ImagePatches(values, 1, rows, cols);
        PatchGrid grid = new PatchGrid(rows, cols, spec.mergedSide());
        int floats = given.floats();
        float[] patches = new float[values.length];
        for (int patch = 0; patch < grid.number(); patch++) {
            int from = (grid.row(patch) * cols + grid.col(patch)) * floats;
            for (int i = 0; i < floats; i++) {
                patches[patch * floats + i] = 2 * (values[from + i] - 0.5f);
            }
        }
        return new ImagePatches(patches, 1, rows, cols);
    }

    /// Returns how many patches a tile has.
    int ofTile() {
        return rows * cols;
    }

    /// Returns how many floats a patch has.
    int floats() {
        return values.length / tiles / ofTile();
    }

    /// Returns how many floats a tile has.
    int floatsOfTile() {
        return values.length / tiles;
    }
}
