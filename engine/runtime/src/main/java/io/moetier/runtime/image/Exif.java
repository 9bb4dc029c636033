package io.moetier.runtime.image;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/// What EXIF says of a picture's orientation; what it says badly is as good as unsaid.
final class Exif {
    /// What stands before EXIF in JPEG files, and in some others.
    static final String PREFIX = "Exif\0\0";

    /// What stands before EXIF in texts of PNG files.
    static final String PROFILE = "Raw profile type exif\0";

    private static final int MOST_OF_A_PROFILE = 1 << 18; // more than a segment of JPEG holds, in hexadecimal digits
    private static final int LINES_BEFORE_DIGITS = 3;

    private static final int HEADER = 8;
    private static final int ENTRY = 12;
    private static final int VERSION = 42;
    private static final int ORIENTATION = 0x0112;
    private static final int SHORT = 3;
    private static final int LONG = 4;

    private Exif() {}

    /// Returns the orientation in the bytes from `from` to `to`, which begin as a TIFF file does.
    static Orientation orientation(PictureFile file, int from, int to) {
        int start = file.has(from, PREFIX) ? from + PREFIX.length() : from;
        if (to - start < HEADER) {
            return Orientation.UPRIGHT;
        }
        boolean little = file.has(start, "II");
        if ((!little && !file.has(start, "MM")) || u16(file, start + 2, little) != VERSION) {
            return Orientation.UPRIGHT;
        }
        long directory = start + (u32(file, start + 4, little) & 0xFFFF_FFFFL);
        if (directory > to - 2) {
            return Orientation.UPRIGHT;
        }
        int entries = u16(file, (int) directory, little);
        for (int i = 0; i < entries; i++) {
            long entry = directory + 2 + (long) ENTRY * i;
            if (entry > to - ENTRY) {
                break;
            }
            int at = (int) entry;
            if (u16(file, at, little) == ORIENTATION) {
                return switch (u16(file, at + 2, little)) {
                    case SHORT -> Orientation.of(u16(file, at + 8, little));
                    case LONG -> Orientation.of(u32(file, at + 8, little));
                    default -> Orientation.UPRIGHT;
                };
            }
        }
        return Orientation.UPRIGHT;
    }

    /// Returns the orientation in the text from `from` to `to`: an empty line, two that say what it is and how
    /// long, and lines of hexadecimal digits.
    static Orientation orientationOfProfile(PictureFile file, int from, int to) {
        String text = new String(file.bytes(), from, to - from, StandardCharsets.ISO_8859_1);
        String[] lines = text.split("\n", LINES_BEFORE_DIGITS + 1);
        if (lines.length <= LINES_BEFORE_DIGITS) {
            return Orientation.UPRIGHT;
        }
        try {
            byte[] exif = HexFormat.of().parseHex(lines[LINES_BEFORE_DIGITS].replaceAll("\\s", ""));
            return orientation(new PictureFile(file.name(), exif), 0, exif.length);
        } catch (IllegalArgumentException e) {
            return Orientation.UPRIGHT;
        }
    }

    /// The same of a text that is compressed, behind a byte that says how.
    static Orientation orientationOfDeflatedProfile(PictureFile file, int from, int to) {
        try (Inflater inflater = new Inflater()) {
            inflater.setInput(file.bytes(), Math.min(from + 1, to), Math.max(0, to - from - 1));
            byte[] text = new byte[MOST_OF_A_PROFILE];
            return orientationOfProfile(new PictureFile(file.name(), text), 0, inflater.inflate(text));
        } catch (DataFormatException e) {
            return Orientation.UPRIGHT;
        }
    }

    private static int u16(PictureFile file, int position, boolean little) {
        return little ? file.littleU16(position) : file.bigU16(position);
    }

    private static int u32(PictureFile file, int position, boolean little) {
        return little ? file.littleInt(position) : file.bigInt(position);
    }
}
