package io.moetier.runtime.image;

import java.awt.image.Raster;

/// A JPEG file: its first picture.
///
/// The decoder is given tables, frame and scans, and what says which colours they have; profiles, thumbnails and
/// comments stay out, so that damage to them is none to the picture.
final class JpegFile {
    static final byte[] START = {(byte) 0xFF, (byte) 0xD8, (byte) 0xFF};

    private static final byte[] START_OF_IMAGE = {(byte) 0xFF, (byte) 0xD8};
    private static final byte[] END_OF_IMAGE = {(byte) 0xFF, (byte) 0xD9};
    private static final byte[] JFIF = {
        (byte) 0xFF, (byte) 0xE0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0
    };
    private static final byte[] ADOBE_RGB = {
        (byte) 0xFF, (byte) 0xEE, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0
    };

    private static final int ESCAPE = 0xFF;
    private static final int SOF_0 = 0xC0;
    private static final int SOF_2 = 0xC2; // the last that is decoded
    private static final int DHT = 0xC4;
    private static final int JPG = 0xC8;
    private static final int DAC = 0xCC;
    private static final int SOF_15 = 0xCF;
    private static final int RST_0 = 0xD0;
    private static final int RST_7 = 0xD7;
    private static final int SOI = 0xD8;
    private static final int EOI = 0xD9;
    private static final int SOS = 0xDA;
    private static final int APP_0 = 0xE0;
    private static final int APP_1 = 0xE1;
    private static final int APP_14 = 0xEE;
    private static final int APP_15 = 0xEF;
    private static final int COM = 0xFE;
    private static final int TEM = 0x01;

    /// Scans that refine each other have each pixel's memory visited again; files have about ten.
    private static final int MOST_SCANS = 100;

    private final PictureFile file;
    private Orientation orientation = Orientation.UPRIGHT;
    private boolean isJfif;
    private boolean hasExif;
    private int adobeTransform = -1; // unless there is one
    private int frame = -1; // where the frame's content is
    private int scans;
    private boolean hasEnd;

    JpegFile(PictureFile file) {
        this.file = file;
    }

    Picture read() {
        Pieces segments = new Pieces();
        int position = START_OF_IMAGE.length;
        while (!hasEnd) {
            position = segment(position, segments);
        }
        if (frame < 0 || scans == 0) {
            throw damaged("it has no pixels");
        }
        int bands = file.u8(frame + 5);
        if (file.u8(frame) != 8 || (bands != 1 && bands != 3 && bands != 4)) {
            throw file.refused("expected a JPEG picture of 8 bits and 1, 3 or 4 components, found " + file.u8(frame)
                    + " bits and " + bands + " components");
        }
        Canvas canvas =
                Canvas.of(file, file.bigU16(frame + 3), file.bigU16(frame + 1), orientation, bands == 3 ? 0 : bands);
        return orientation.upright(file.name(), canvas, decode(segments, canvas, bands));
    }

    private byte[] decode(Pieces segments, Canvas canvas, int bands) {
        byte[] colours = bands == 3 ? hasRgb() ? ADOBE_RGB : JFIF : new byte[0];
        Pieces whole = new Pieces().add(START_OF_IMAGE).add(colours).add(segments);
        Raster raster = Decoder.decode(file, PictureFormat.JPEG, canvas, whole, bands == 4);
        if (raster.getNumBands() != bands) {
            throw damaged("it has other components than it says");
        }
        return switch (bands) {
            case 1 -> Colours.grey(8).convert(raster, canvas);
            case 3 -> Colours.plain(raster, canvas);
            default -> (adobeTransform == 2 ? Cmyk.LUMINANCE : Cmyk.PLAIN).convert(raster, canvas);
        };
    }

    /// As the reference's library decides it.
    private boolean hasRgb() {
        if (isJfif || adobeTransform > 0) {
            return false;
        }
        return adobeTransform == 0
                || (file.u8(frame + 6) == 'R' && file.u8(frame + 9) == 'G' && file.u8(frame + 12) == 'B');
    }

    /// Takes note of the next segment, if it is one, and returns where to go on.
    private int segment(int position, Pieces segments) {
        if (file.u8(position) != ESCAPE) {
            return position + 1;
        }
        int marker = file.u8(position + 1);
        if (marker == ESCAPE) {
            return position + 1;
        }
        if (marker == EOI) {
            segments.add(END_OF_IMAGE);
            hasEnd = true;
            return position;
        }
        if (marker == 0 || marker == TEM || (marker >= RST_0 && marker <= SOI)) {
            return position + 2;
        }
        int length = file.bigU16(position + 2);
        int content = position + 4;
        int next = position + 2 + length;
        file.require(position + 2, Math.max(2, length));
        if (length < 2) {
            throw damaged("a segment has a length of " + length);
        }
        if (marker == APP_0 && file.has(content, "JFIF\0")) {
            isJfif = true;
        } else if (marker == APP_1 && file.has(content, Exif.PREFIX) && !hasExif) { // those behind it continue it
            hasExif = true;
            orientation = Exif.orientation(file, content, next);
        } else if (marker == APP_14 && length >= 14 && file.has(content, "Adobe")) {
            adobeTransform = file.u8(content + 11);
        } else if (isFrame(marker)) {
            frame(marker, content, length);
        } else if (marker == SOS) {
            next = scan(next);
        }
        if (!(marker >= APP_0 && marker <= APP_15) && marker != COM) {
            segments.add(file, position, next);
        }
        return next;
    }

    private static boolean isFrame(int marker) {
        return marker >= SOF_0 && marker <= SOF_15 && marker != DHT && marker != JPG && marker != DAC;
    }

    private void frame(int marker, int content, int length) {
        if (marker > SOF_2) {
            throw file.refused(
                    "expected a JPEG picture of Huffman codes, found one that is lossless, hierarchical or of"
                            + " arithmetic codes");
        }
        if (frame >= 0) {
            throw damaged("it has two frames");
        }
        if (length < 8 + 3 * file.u8(content + 5)) {
            throw damaged("its frame is too short");
        }
        frame = content;
    }

    /// Returns where the codes from `position` on end.
    private int scan(int position) {
        if (++scans > MOST_SCANS) {
            throw file.refused("expected at most " + MOST_SCANS + " scans in a JPEG picture, found more");
        }
        int end = position;
        while (true) {
            if (file.u8(end) == ESCAPE) {
                int next = file.u8(end + 1);
                if (next != 0 && next != ESCAPE && (next < RST_0 || next > RST_7)) {
                    return end;
                }
            }
            end++;
        }
    }

    private UnreadablePictureException damaged(String problem) {
        return file.damaged(PictureFormat.JPEG, problem);
    }
}
