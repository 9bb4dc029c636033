package io.moetier.runtime.image;

import java.awt.image.Raster;

/// A WebP file: its picture, or the first of an animation on a black canvas.
///
/// The decoder is given the one chunk that has red, green and blue; transparency, which is dropped, has its own.
final class WebpFile {
    private static final int HEADER = 12;
    private static final int CHUNK_HEADER = 8;
    private static final int FRAME_HEADER = 16;
    private static final byte[] LOSSY_START = {(byte) 0x9D, 0x01, 0x2A};
    private static final int LOSSLESS_START = 0x2F;
    private static final int SIZE_BITS = 14;
    private static final int SIZE = (1 << SIZE_BITS) - 1;
    /// The decoder reads eight bytes more than it uses.
    private static final int READ_AHEAD = 16;
    /// What the decoder takes for a pixel: its own image, and what it predicts from.
    private static final int DECODER_BYTES = 8;

    private final PictureFile file;
    private Orientation orientation = Orientation.UPRIGHT;
    private long width; // of the canvas, if it is given
    private long height;
    private int left;
    private int top;
    private int pixels = -1; // where the chunk with the pixels is

    WebpFile(PictureFile file) {
        this.file = file;
    }

    Picture read() {
        chunks(HEADER, file.size(), false);
        if (pixels < 0) {
            throw file.damaged(PictureFormat.WEBP, "it has no pixels");
        }
        Canvas part = file.has(pixels, "VP8L") ? lossless() : lossy();
        byte[] rgb = Colours.plain(decode(part), part);
        if (width == 0) {
            return orientation.upright(file.name(), part, rgb);
        }
        Canvas canvas = Canvas.of(file, width, height, orientation, Canvas.CHANNELS);
        return orientation.upright(file.name(), canvas, placed(rgb, part, canvas));
    }

    private void chunks(int from, int to, boolean isFrame) {
        int position = from;
        while (position <= to - CHUNK_HEADER) {
            String name = file.text(position, 4);
            int content = position + CHUNK_HEADER;
            int length = file.littleInt(position + 4);
            file.require(content, length);
            if (isFrame || !name.equals("ANMF")) {
                chunk(name, position, content, length);
            } else if (pixels < 0) {
                frame(content, length);
            }
            if (content + length + (length & 1) < 0) {
                break;
            }
            position = content + length + (length & 1);
        }
    }

    /// Takes note of a frame of an animation, which has no frames of its own.
    private void frame(int content, int length) {
        left = 2 * file.littleU24(content);
        top = 2 * file.littleU24(content + 3);
        chunks(content + FRAME_HEADER, content + length, true);
    }

    private void chunk(String name, int position, int content, int length) {
        switch (name) {
            case "VP8X" -> {
                width = file.littleU24(content + 4) + 1L;
                height = file.littleU24(content + 7) + 1L;
            }
            case "VP8 ", "VP8L" -> pixels = pixels < 0 ? position : pixels;
            case "EXIF" -> orientation = Exif.orientation(file, content, content + length);
            default -> {} // says nothing of red, green and blue
        }
    }

    private Canvas lossless() {
        int content = pixels + CHUNK_HEADER;
        if (file.u8(content) != LOSSLESS_START) {
            throw file.damaged(PictureFormat.WEBP, "its pixels do not begin as they should");
        }
        int sizes = file.littleInt(content + 1);
        return Canvas.of(
                file, (sizes & SIZE) + 1L, (sizes >> SIZE_BITS & SIZE) + 1L, Orientation.UPRIGHT, DECODER_BYTES);
    }

    private Canvas lossy() {
        int content = pixels + CHUNK_HEADER;
        if (!file.has(content + 3, LOSSY_START)) {
            throw file.damaged(PictureFormat.WEBP, "its pixels do not begin as they should");
        }
        return Canvas.of(
                file,
                file.littleU16(content + 6) & SIZE,
                file.littleU16(content + 8) & SIZE,
                Orientation.UPRIGHT,
                DECODER_BYTES);
    }

    private Raster decode(Canvas part) {
        int end = pixels + CHUNK_HEADER + file.littleInt(pixels + 4);
        int length = 4 + end - pixels + (end - pixels & 1);
        Pieces pieces = new Pieces()
                .add((byte) 'R', (byte) 'I', (byte) 'F', (byte) 'F')
                .add((byte) length, (byte) (length >> 8), (byte) (length >> 16), (byte) (length >> 24))
                .add((byte) 'W', (byte) 'E', (byte) 'B', (byte) 'P')
                .add(file, pixels, end)
                .add(new byte[(end - pixels & 1) + READ_AHEAD]);
        return Decoder.decode(file, PictureFormat.WEBP, part, pieces, false);
    }

    private byte[] placed(byte[] rgb, Canvas part, Canvas canvas) {
        if (part.equals(canvas)) {
            return rgb;
        }
        if ((long) left + part.width() > canvas.width() || (long) top + part.height() > canvas.height()) {
            throw file.damaged(PictureFormat.WEBP, "its picture is larger than its canvas");
        }
        byte[] whole = new byte[Canvas.CHANNELS * canvas.pixels()];
        int row = Canvas.CHANNELS * part.width();
        for (int y = 0; y < part.height(); y++) {
            int to = Canvas.CHANNELS * ((top + y) * canvas.width() + left);
            System.arraycopy(rgb, y * row, whole, to, row);
        }
        return whole;
    }
}
