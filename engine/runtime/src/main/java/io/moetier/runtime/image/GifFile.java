package io.moetier.runtime.image;

import java.awt.image.Raster;
import java.util.Arrays;

/// A GIF file: its first picture, on a canvas of the transparent colour, or else of the first.
///
/// The decoder is given the codes, with a palette of the largest size, so that what comes out are the numbers of
/// colours.
final class GifFile {
    private static final int HEADER = 13;
    private static final int FLAGS = 10; // of the whole, and where they are in the header
    private static final int HAS_PALETTE = 0x80;
    private static final int SIZE = 7; // bits of the flags: the palette has two to the power of one more
    private static final int INTERLACED = 0x40;
    private static final int COLOURS = 256;
    private static final int COLOUR_BYTES = 3;

    private static final int EXTENSION = 0x21;
    private static final int CONTROL = 0xF9;
    private static final int IMAGE = 0x2C;
    private static final int IMAGE_HEADER = 10;
    private static final int TRAILER = 0x3B;

    private final PictureFile file;
    private int[] palette = Palettes.ramp();
    private int background;

    GifFile(PictureFile file) {
        this.file = file;
    }

    Picture read() {
        file.require(0, HEADER);
        int position = HEADER;
        int flags = file.u8(FLAGS);
        if ((flags & HAS_PALETTE) != 0) {
            position = palette(position, flags);
        }
        while (file.u8(position) != IMAGE) {
            position = switch (file.u8(position)) {
                case EXTENSION -> extension(position + 1);
                case TRAILER -> throw damaged("it has no pixels");
                default -> position + 1;
            };
        }
        return image(position);
    }

    private int extension(int position) {
        if (file.u8(position) == CONTROL && file.u8(position + 1) >= 4 && (file.u8(position + 2) & 1) != 0) {
            background = file.u8(position + 5);
        }
        return blocks(position + 1);
    }

    /// Returns where the blocks that begin at `position` end.
    private int blocks(int position) {
        int next = position;
        while (file.u8(next) != 0) {
            next += 1 + file.u8(next);
        }
        return next + 1;
    }

    private int palette(int position, int flags) {
        int colours = 2 << (flags & SIZE);
        palette = Palettes.ramp();
        for (int i = 0; i < colours; i++) {
            int at = position + COLOUR_BYTES * i;
            palette[i] = Colours.rgb(file.u8(at), file.u8(at + 1), file.u8(at + 2));
        }
        return position + COLOUR_BYTES * colours;
    }

    private Picture image(int position) {
        int left = file.littleU16(position + 1);
        int top = file.littleU16(position + 3);
        Canvas part = Canvas.of(
                file, file.littleU16(position + 5), file.littleU16(position + 7), Orientation.UPRIGHT, Canvas.CHANNELS);
        Canvas canvas = Canvas.of(
                file,
                Math.max(file.littleU16(6), left + part.width()),
                Math.max(file.littleU16(8), top + part.height()),
                Orientation.UPRIGHT,
                1 + Canvas.CHANNELS);
        int flags = file.u8(position + 9);
        int codes = position + IMAGE_HEADER;
        if ((flags & HAS_PALETTE) != 0) {
            codes = palette(codes, flags);
        }
        byte[] pixels = Colours.palette(palette).convert(decode(position, part, flags, codes), part);
        return Picture.of(file.name(), canvas.width(), canvas.height(), placed(pixels, part, canvas, left, top));
    }

    private Raster decode(int position, Canvas part, int flags, int codes) {
        byte[] header = Arrays.copyOf(file.bytes(), HEADER);
        System.arraycopy(file.bytes(), position + 5, header, 6, 4); // the canvas is the picture
        header[FLAGS] = (byte) (HAS_PALETTE | 0x70 | SIZE);
        byte[] image = new byte[IMAGE_HEADER];
        image[0] = IMAGE;
        System.arraycopy(file.bytes(), position + 5, image, 5, 4);
        image[9] = (byte) (flags & INTERLACED);
        Pieces pieces = new Pieces()
                .add(header)
                .add(new byte[COLOUR_BYTES * COLOURS])
                .add(image)
                .add(file, codes, blocks(codes + 1))
                .add((byte) TRAILER);
        return Decoder.decode(file, PictureFormat.GIF, part, pieces, false);
    }

    private byte[] placed(byte[] pixels, Canvas part, Canvas canvas, int left, int top) {
        if (part.equals(canvas)) {
            return pixels;
        }
        byte[] rgb = new byte[Canvas.CHANNELS * canvas.pixels()];
        for (int to = 0; to < rgb.length; to += Canvas.CHANNELS) {
            Colours.put(palette[background], rgb, to);
        }
        int row = Canvas.CHANNELS * part.width();
        for (int y = 0; y < part.height(); y++) {
            int to = Canvas.CHANNELS * ((top + y) * canvas.width() + left);
            System.arraycopy(pixels, y * row, rgb, to, row);
        }
        return rgb;
    }

    private UnreadablePictureException damaged(String problem) {
        return file.damaged(PictureFormat.GIF, problem);
    }
}
