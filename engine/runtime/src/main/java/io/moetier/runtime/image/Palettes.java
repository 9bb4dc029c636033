package io.moetier.runtime.image;

/// Palettes, with a colour for every byte.
final class Palettes {
    private static final int COLOURS = 256;

    private Palettes() {}

    /// Returns a palette of grey, which stays where a file has no colour.
    static int[] ramp() {
        int[] palette = new int[COLOURS];
        for (int i = 0; i < COLOURS; i++) {
            palette[i] = Colours.rgb(i, i, i);
        }
        return palette;
    }
}
