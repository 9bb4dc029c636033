package io.moetier.runtime.image;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// The bytes of a picture's file, read within their bounds.
///
/// @param name what messages call it
@SuppressWarnings("ArrayRecordComponent") // nobody compares them
record PictureFile(String name, byte[] bytes) {
    private static final int BYTE = 0xFF;

    int size() {
        return bytes.length;
    }

    /// Returns the byte at `position`, from 0 to 255.
    int u8(int position) {
        require(position, 1);
        return bytes[position] & BYTE;
    }

    int bigU16(int position) {
        return u8(position) << 8 | u8(position + 1);
    }

    /// Returns four bytes, the highest first, as they are in an int.
    int bigInt(int position) {
        return bigU16(position) << 16 | bigU16(position + 2);
    }

    int littleU16(int position) {
        return u8(position) | u8(position + 1) << 8;
    }

    int littleU24(int position) {
        return littleU16(position) | u8(position + 2) << 16;
    }

    /// Returns four bytes, the lowest first, as they are in an int.
    int littleInt(int position) {
        return littleU16(position) | littleU16(position + 2) << 16;
    }

    /// Returns `length` bytes as Latin-1.
    String text(int position, int length) {
        require(position, length);
        return new String(bytes, position, length, StandardCharsets.ISO_8859_1);
    }

    /// Says whether the file has these bytes at `position`.
    boolean has(int position, byte... expected) {
        return position >= 0
                && position <= size() - expected.length
                && Arrays.equals(bytes, position, position + expected.length, expected, 0, expected.length);
    }

    boolean has(int position, String expected) {
        return has(position, expected.getBytes(StandardCharsets.ISO_8859_1));
    }

    /// Checks that the file has `length` bytes from `position` on.
    void require(int position, int length) {
        if (position < 0 || length < 0 || position > size() - length) {
            throw refused("the file ends before its picture does, after " + size() + " bytes");
        }
    }

    UnreadablePictureException refused(String problem) {
        return new UnreadablePictureException(name, problem);
    }

    UnreadablePictureException damaged(PictureFormat format, String problem) {
        return refused("the " + format + " picture is damaged: " + problem);
    }
}
