package io.moetier.runtime.image;

import java.util.zip.CRC32;

/// A PNG file: its first picture, which of an animation is the one that every program shows.
///
/// The decoder is given the chunks that make up the pixels, whose checksums are right.
final class PngFile {
    static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

    private static final byte[] END = {0, 0, 0, 0, 'I', 'E', 'N', 'D', (byte) 0xAE, 0x42, 0x60, (byte) 0x82};
    private static final int CHUNK_HEADER = 8; // length and name
    private static final int CHECKSUM = 4;
    private static final int HEADER = SIGNATURE.length + CHUNK_HEADER; // where the first chunk's content is
    private static final int HEADER_LENGTH = 13;

    private static final int GREY = 0;
    private static final int COLOUR = 2;
    private static final int INDEXED = 3;
    private static final int GREY_ALPHA = 4;
    private static final int COLOUR_ALPHA = 6;

    private final PictureFile file;
    private final Pieces pieces = new Pieces().add(SIGNATURE);
    private final int[] palette = Palettes.ramp();
    private Orientation orientation = Orientation.UPRIGHT;
    private boolean hasExif; // in a chunk of its own
    private int profile = -1; // where the last text with EXIF is, if there is one
    private boolean hasPixels;

    PngFile(PictureFile file) {
        this.file = file;
    }

    Picture read() {
        if (!file.has(SIGNATURE.length + 4, "IHDR") || file.bigInt(SIGNATURE.length) != HEADER_LENGTH) {
            throw damaged("it does not begin with a header");
        }
        int position = SIGNATURE.length;
        while (position < file.size() && !file.has(position + 4, "IEND")) {
            position = chunk(position);
        }
        if (!hasPixels) {
            throw damaged("it has no pixels");
        }
        if (!hasExif && profile >= 0) {
            orientation = orientationOfProfile();
        }
        pieces.add(END);
        int depth = file.u8(HEADER + 8);
        int type = file.u8(HEADER + 9);
        Colours colours = colours(depth, type);
        Canvas canvas = Canvas.of(
                file, file.bigInt(HEADER), file.bigInt(HEADER + 4), orientation, bands(type) * ((depth + 7) / 8));
        byte[] rgb = colours.convert(Decoder.decode(file, PictureFormat.PNG, canvas, pieces, false), canvas);
        return orientation.upright(file.name(), canvas, rgb);
    }

    /// Takes note of the chunk at `position` and returns where the next one begins.
    private int chunk(int position) {
        int length = file.bigInt(position);
        String name = file.text(position + 4, 4);
        int content = position + CHUNK_HEADER;
        file.require(content, length);
        file.require(content + length, CHECKSUM);
        int next = content + length + CHECKSUM;
        switch (name) {
            case "IHDR", "IDAT" -> keep(position, next);
            case "PLTE" -> {
                keep(position, next);
                for (int i = 0; i < Math.min(palette.length, length / 3); i++) {
                    int at = content + 3 * i;
                    palette[i] = Colours.rgb(file.u8(at), file.u8(at + 1), file.u8(at + 2));
                }
            }
            case "eXIf" -> {
                hasExif = true;
                orientation = Exif.orientation(file, content, content + length);
            }
            case "tEXt", "zTXt" -> profile = file.has(content, Exif.PROFILE) ? position : profile;
            default -> {} // says nothing of pixels
        }
        hasPixels |= name.equals("IDAT");
        return next;
    }

    /// Programs wrote EXIF so before it had a chunk of its own.
    private Orientation orientationOfProfile() {
        int content = profile + CHUNK_HEADER;
        int from = content + Exif.PROFILE.length();
        int to = content + file.bigInt(profile);
        if (from > to) {
            return Orientation.UPRIGHT;
        }
        return file.has(profile + 4, "tEXt")
                ? Exif.orientationOfProfile(file, from, to)
                : Exif.orientationOfDeflatedProfile(file, from, to);
    }

    private void keep(int from, int to) {
        CRC32 checksum = new CRC32();
        checksum.update(file.bytes(), from + 4, to - from - 4 - CHECKSUM);
        if ((int) checksum.getValue() != file.bigInt(to - CHECKSUM)) {
            throw damaged("a checksum is wrong");
        }
        pieces.add(file, from, to);
    }

    private Colours colours(int depth, int type) {
        boolean isPacked = depth == 1 || depth == 2 || depth == 4;
        if (depth != 8 && depth != 16 && !(isPacked && (type == GREY || type == INDEXED))) {
            throw wrongColours(depth, type);
        }
        return switch (type) {
            case GREY, GREY_ALPHA -> depth == 16 ? Colours.GREY_16 : Colours.grey(depth);
            case COLOUR, COLOUR_ALPHA -> depth == 16 ? Colours.RGB_16 : Colours.RGB;
            case INDEXED -> indexed(depth);
            default -> throw wrongColours(depth, type);
        };
    }

    private Colours indexed(int depth) {
        if (depth == 16) {
            throw wrongColours(depth, INDEXED);
        }
        return Colours.palette(palette);
    }

    private UnreadablePictureException wrongColours(int depth, int type) {
        return damaged("it has colours of type " + type + " and " + depth + " bits");
    }

    private static int bands(int type) {
        return switch (type) {
            case COLOUR -> 3;
            case GREY_ALPHA -> 2;
            case COLOUR_ALPHA -> 4;
            default -> 1;
        };
    }

    private UnreadablePictureException damaged(String problem) {
        return file.damaged(PictureFormat.PNG, problem);
    }
}
