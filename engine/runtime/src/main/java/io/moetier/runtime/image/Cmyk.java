package io.moetier.runtime.image;

/// The four colours of printing in JPEG files, which all write them inverted, as Adobe began to.
enum Cmyk implements Colours {
    /// Cyan, magenta, yellow and black.
    PLAIN {
        @Override
        public int of(int[] samples, int at) {
            return rgb(samples[at], samples[at + 1], samples[at + 2], samples[at + 3]);
        }
    },

    /// Luminance, two differences and black.
    LUMINANCE {
        @Override
        public int of(int[] samples, int at) {
            int luminance = samples[at];
            int blue = samples[at + 1] - CENTRE;
            int red = samples[at + 2] - CENTRE;
            return rgb(
                    MOST - clip(luminance + ((RED_BY_RED * red + HALF) >> BITS)),
                    MOST - clip(luminance + ((GREEN_BY_BLUE * blue + GREEN_BY_RED * red + HALF) >> BITS)),
                    MOST - clip(luminance + ((BLUE_BY_BLUE * blue + HALF) >> BITS)),
                    samples[at + 3]);
        }
    };

    private static final int MOST = 255;
    private static final int CENTRE = 128;
    private static final int BITS = 16;
    private static final int HALF = 1 << (BITS - 1);
    private static final int RED_BY_RED = fixed(1.402);
    private static final int GREEN_BY_BLUE = -fixed(0.34414);
    private static final int GREEN_BY_RED = -fixed(0.71414);
    private static final int BLUE_BY_BLUE = fixed(1.772);

    private static int fixed(double factor) {
        return (int) (factor * (1 << BITS) + 0.5);
    }

    private static int clip(int value) {
        return Math.clamp(value, 0, MOST);
    }

    /// Returns what is left of white by inverted colours.
    private static int rgb(int cyan, int magenta, int yellow, int black) {
        return Colours.rgb(times(cyan, black), times(magenta, black), times(yellow, black));
    }

    /// The reference takes what is missing from white: 255 - c - k + ck / 255, rounded.
    private static int times(int colour, int black) {
        int product = (MOST - colour) * black + CENTRE;
        return clip(black - (((product >> 8) + product) >> 8));
    }
}
