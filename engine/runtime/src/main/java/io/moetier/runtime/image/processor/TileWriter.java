package io.moetier.runtime.image.processor;

import io.moetier.runtime.image.Picture;

/// Cuts pictures into tiles, a row of values each: channel, row, column.
final class TileWriter {
    private final int tileHeight;
    private final int tileWidth;
    private final Levels levels;
    private final float[] values;
    private int to;

    /// @param tiles how many there will be
    /// @throws io.moetier.runtime.image.UnreadablePictureException if `picture` has too many values
    TileWriter(Picture picture, int tiles, int tileHeight, int tileWidth, Levels levels) {
        long count = (long) tiles * Resampling.CHANNELS * tileHeight * tileWidth;
        if (count > Integer.MAX_VALUE - 8) {
            throw picture.refused(tiles + " tiles of " + tileWidth + " x " + tileHeight + " have too many values");
        }
        picture.requireHeap(Float.BYTES * count);
        this.tileHeight = tileHeight;
        this.tileWidth = tileWidth;
        this.levels = levels;
        values = new float[(int) count];
    }

    /// Adds all tiles of a grid that begins at the upper left of `picture`, black where there is no picture.
    void add(Picture picture, int rows, int columns) {
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < columns; column++) {
                tile(picture, row * tileHeight, column * tileWidth);
            }
        }
    }

    private void tile(Picture picture, int top, int left) {
        byte[] rgb = picture.rgb();
        for (int channel = 0; channel < Resampling.CHANNELS; channel++) {
            for (int y = top; y < top + tileHeight; y++) {
                for (int x = left; x < left + tileWidth; x++) {
                    boolean isInside = y < picture.height() && x < picture.width();
                    byte level = isInside ? rgb[Resampling.CHANNELS * (y * picture.width() + x) + channel] : 0;
                    values[to++] = levels.of(channel, level);
                }
            }
        }
    }

    /// Returns the values of all tiles that were added.
    float[] values() {
        return values;
    }
}
