package io.moetier.runtime.image.processor;

/// What a picture is to a model's vision tower: rows of values, and how the rows lie in the picture.
///
/// Rows follow each other in [#values]. Arrays are the record's own and handed out as they are.
public sealed interface Pixels {
    /// Returns all values, row after row.
    float[] values();

    /// Returns the number of rows: patches or tiles.
    int rows();

    /// Returns for how many tokens of the prompt the picture stands.
    int tokens();

    /// Returns the number of values of a row.
    default int rowLength() {
        return values().length / rows();
    }

    /// Patches of one picture, a row each: channel, temporal copy, row, column. `merge` by `merge` patches, which
    /// become one token, follow each other, and such blocks row by row.
    ///
    /// @param height in patches
    /// @param width in patches
    @SuppressWarnings("ArrayRecordComponent") // nobody compares them
    record MergedPatches(float[] values, int height, int width, int merge) implements Pixels {
        @Override
        public int rows() {
            return height * width;
        }

        @Override
        public int tokens() {
            return rows() / (merge * merge);
        }
    }

    /// Patches of one picture, a row each: row, column, channel; row by row. `pooling` by `pooling` patches become one
    /// token. What the reference pads with is not among them.
    ///
    /// @param height in patches: the y of positions is below
    /// @param width in patches: the x of positions is below
    @SuppressWarnings("ArrayRecordComponent") // nobody compares them
    record PlacedPatches(float[] values, int height, int width, int pooling) implements Pixels {
        @Override
        public int rows() {
            return height * width;
        }

        @Override
        public int tokens() {
            return rows() / (pooling * pooling);
        }
    }

    /// Tiles of one size, a row each: channel, row, column; row by row, and the whole picture as one more at the end,
    /// if there is more than one.
    ///
    /// @param height in tiles
    /// @param width in tiles
    /// @param tileHeight in pixels
    /// @param tileWidth in pixels
    /// @param tokensPerTile for how many tokens each tile stands, the whole picture's too
    @SuppressWarnings("ArrayRecordComponent") // nobody compares them
    record Tiles(float[] values, int height, int width, int tileHeight, int tileWidth, int tokensPerTile)
            implements Pixels {
        @Override
        public int rows() {
            return height * width + (hasWhole() ? 1 : 0);
        }

        @Override
        public int tokens() {
            return rows() * tokensPerTile;
        }

        /// Says whether the last row is the whole picture.
        public boolean hasWhole() {
            return height * width > 1;
        }
    }
}
