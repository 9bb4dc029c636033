package io.moetier.runtime.image;

import io.moetier.storage.memory.JavaHeap;

/// How large a picture is, checked before anything is decoded.
record Canvas(int width, int height) {
    /// Red, green and blue.
    static final int CHANNELS = 3;

    /// Checks a size that a file gives, and that the Java heap has room for it.
    ///
    /// @param decoderBytes what a decoder takes for a pixel
    static Canvas of(PictureFile file, long width, long height, Orientation orientation, int decoderBytes) {
        if (width <= 0 || height <= 0) {
            throw file.refused("the picture has " + width + " x " + height + " pixels");
        }
        boolean isLong = width > Picture.MAX_SIDE || height > Picture.MAX_SIDE;
        if (isLong || width * height > Picture.MAX_PIXELS) {
            String most = isLong ? Picture.MAX_SIDE + " pixels a side" : Picture.MAX_PIXELS + " pixels";
            throw file.refused("expected at most " + most + ", found " + width + " x " + height);
        }
        int turned = orientation == Orientation.UPRIGHT ? 0 : CHANNELS;
        long needed = width * height * (decoderBytes + CHANNELS + turned);
        requireHeap(file.name(), needed, width + " x " + height + " pixels");
        return new Canvas((int) width, (int) height);
    }

    int pixels() {
        return width * height;
    }

    /// Checks that the Java heap has room for `bytes` beside what the last collection of garbage left.
    ///
    /// @throws UnreadablePictureException if it has not
    static void requireHeap(String name, long bytes, String what) {
        long room = JavaHeap.room();
        if (bytes > room) {
            throw new UnreadablePictureException(
                    name, what + " need " + bytes + " bytes of the Java heap, which has room for " + room);
        }
    }
}
