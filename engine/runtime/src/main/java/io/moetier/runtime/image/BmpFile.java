package io.moetier.runtime.image;

import java.util.List;

/// A BMP file, decoded here: there is little to decode, and much in headers that no decoder should believe.
final class BmpFile {
    private static final int INFO = 14; // where the second header begins
    private static final int CORE_HEADER = 12;
    private static final int LEAST_HEADER = 40;
    private static final int MOST_HEADER = 124;

    private static final int RAW = 0;
    private static final int RLE_8 = 1;
    private static final int RLE_4 = 2;
    private static final int MASKS = 3;

    private final PictureFile file;
    private final boolean isCore;
    private final int bits;
    private final int compression;
    private final boolean isTopDown;
    private final Canvas canvas;
    private final int pixels; // where they begin

    BmpFile(PictureFile file) {
        this.file = file;
        int header = file.littleInt(INFO);
        isCore = header == CORE_HEADER;
        if (!isCore && (header < LEAST_HEADER || header > MOST_HEADER)) {
            throw damaged("it has a header of " + header + " bytes");
        }
        long height = isCore ? file.littleU16(INFO + 6) : file.littleInt(INFO + 8);
        bits = file.littleU16(isCore ? INFO + 10 : INFO + 14);
        compression = isCore ? RAW : file.littleInt(INFO + 16);
        isTopDown = height < 0;
        long width = isCore ? file.littleU16(INFO + 4) : file.littleInt(INFO + 4);
        canvas = Canvas.of(file, width, Math.abs(height), Orientation.UPRIGHT, 1);
        pixels = file.littleInt(10);
    }

    Picture read() {
        byte[] rgb = switch (compression) {
            case RAW, MASKS -> bits <= 8 ? indexed(unpacked()) : direct();
            case RLE_8, RLE_4 -> indexed(new BmpRuns(file, pixels, compression == RLE_4).decode(canvas));
            default ->
                throw file.refused("expected a BMP picture of plain pixels or runs, found compression "
                        + Integer.toUnsignedString(compression));
        };
        return Picture.of(file.name(), canvas.width(), canvas.height(), rgb);
    }

    /// Returns where the row of the file is that is row `y` of the picture.
    private int row(int y) {
        long stride = ((long) canvas.width() * bits + 31) / 32 * 4;
        long at = pixels + stride * (isTopDown ? y : canvas.height() - 1 - y);
        if (pixels < 0 || at > file.size()) {
            throw file.refused("the file ends before its picture does, after " + file.size() + " bytes");
        }
        return (int) at;
    }

    /// Returns the numbers of colours, row by row from the top.
    private byte[] unpacked() {
        if (bits != 1 && bits != 4 && bits != 8) {
            throw damaged("it has " + bits + " bits for a pixel");
        }
        byte[] indices = new byte[canvas.pixels()];
        int perByte = 8 / bits;
        for (int y = 0, to = 0; y < canvas.height(); y++) {
            int row = row(y);
            for (int x = 0; x < canvas.width(); x++, to++) {
                int shift = 8 - bits * (x % perByte + 1);
                indices[to] = (byte) (file.u8(row + x / perByte) >> shift & (1 << bits) - 1);
            }
        }
        return indices;
    }

    private byte[] indexed(byte[] indices) {
        int[] palette = palette();
        byte[] rgb = new byte[Canvas.CHANNELS * indices.length];
        for (int i = 0; i < indices.length; i++) {
            Colours.put(palette[indices[i] & 0xFF], rgb, Canvas.CHANNELS * i);
        }
        return rgb;
    }

    private int[] palette() {
        int[] palette = Palettes.ramp();
        int header = file.littleInt(INFO);
        int size = isCore ? 3 : 4;
        int said = isCore ? 0 : file.littleInt(INFO + 32);
        int start = INFO + header;
        int most = Math.min(palette.length, Math.max(0, pixels - start) / size);
        int colours = Math.min(most, said > 0 ? said : 1 << Math.min(bits, 8));
        for (int i = 0; i < colours; i++) {
            int at = start + size * i;
            palette[i] = Colours.rgb(file.u8(at + 2), file.u8(at + 1), file.u8(at));
        }
        return palette;
    }

    private byte[] direct() {
        if (bits != 16 && bits != 24 && bits != 32) {
            throw damaged("it has " + bits + " bits for a pixel");
        }
        List<Channel> channels = channels();
        int size = bits / 8;
        byte[] rgb = new byte[Canvas.CHANNELS * canvas.pixels()];
        for (int y = 0, to = 0; y < canvas.height(); y++) {
            int row = row(y);
            file.require(row, size * canvas.width());
            for (int x = 0; x < canvas.width(); x++) {
                int pixel = pixel(row + size * x, size);
                for (Channel channel : channels) {
                    rgb[to++] = (byte) channel.of(pixel);
                }
            }
        }
        return rgb;
    }

    private int pixel(int at, int size) {
        return switch (size) {
            case 2 -> file.littleU16(at);
            case 3 -> file.littleU24(at);
            default -> file.littleInt(at);
        };
    }

    private List<Channel> channels() {
        if (compression == RAW) {
            return bits == 16
                    ? List.of(new Channel(0x7C00), new Channel(0x3E0), new Channel(0x1F))
                    : List.of(new Channel(0xFF0000), new Channel(0xFF00), new Channel(0xFF));
        }
        int masks = INFO + LEAST_HEADER; // in the header, or just behind it
        List<Channel> channels = List.of(
                new Channel(file.littleInt(masks)),
                new Channel(file.littleInt(masks + 4)),
                new Channel(file.littleInt(masks + 8)));
        if (!channels.stream().allMatch(Channel::isContiguous)) {
            throw damaged("it has a mask of bits that are not side by side");
        }
        return channels;
    }

    private UnreadablePictureException damaged(String problem) {
        return file.damaged(PictureFormat.BMP, problem);
    }

    /// A colour among the bits of a pixel, made eight bits wide.
    private record Channel(int mask) {
        boolean isContiguous() {
            int most = mask >>> Integer.numberOfTrailingZeros(mask);
            return mask != 0 && (most & most + 1) == 0 && Integer.bitCount(mask) <= 16;
        }

        int of(int pixel) {
            int shift = Integer.numberOfTrailingZeros(mask);
            return ((pixel & mask) >>> shift) * 255 / (mask >>> shift);
        }
    }
}
