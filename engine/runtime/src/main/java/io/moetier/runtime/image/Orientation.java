package io.moetier.runtime.image;

/// How a camera was held, as EXIF numbers it from 1 to 8, and what turns a picture upright.
enum Orientation {
    UPRIGHT(false, false, false),
    MIRRORED(false, true, false),
    UPSIDE_DOWN(false, true, true),
    FLIPPED(false, false, true),
    TRANSPOSED(true, false, false),
    TURNED_LEFT(true, false, true),
    TRANSVERSED(true, true, true),
    TURNED_RIGHT(true, true, false);

    private final boolean exchangesSides;
    private final boolean fromRight; // columns of the file are taken from its right side
    private final boolean fromBottom;

    Orientation(boolean exchangesSides, boolean fromRight, boolean fromBottom) {
        this.exchangesSides = exchangesSides;
        this.fromRight = fromRight;
        this.fromBottom = fromBottom;
    }

    /// Returns what EXIF means by `number`; what it does not know is upright.
    static Orientation of(int number) {
        return number >= 1 && number <= values().length ? values()[number - 1] : UPRIGHT;
    }

    /// Returns the upright picture of these pixels.
    Picture upright(String name, Canvas canvas, byte[] rgb) {
        int width = canvas.width();
        int height = canvas.height();
        if (this == UPRIGHT) {
            return Picture.of(name, width, height, rgb);
        }
        byte[] turned = new byte[rgb.length];
        int across = exchangesSides ? height : width;
        int down = exchangesSides ? width : height;
        for (int y = 0, to = 0; y < down; y++) {
            for (int x = 0; x < across; x++, to += Canvas.CHANNELS) {
                int column = exchangesSides ? y : x;
                int row = exchangesSides ? x : y;
                column = fromRight ? width - 1 - column : column;
                row = fromBottom ? height - 1 - row : row;
                System.arraycopy(rgb, Canvas.CHANNELS * (row * width + column), turned, to, Canvas.CHANNELS);
            }
        }
        return Picture.of(name, across, down, turned);
    }
}
