package io.moetier.runtime.image;

import io.moetier.storage.format.IoFailure;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A picture in red, green and blue of eight bits, upright.
///
/// What a file holds becomes these three as Pillow's `convert("RGB")` has it, with which the processors of the hub
/// begin: transparency is dropped and the colour behind it stays, grey is repeated, colours of a palette are looked
/// up, sixteen bits lose the lower eight, CMYK is multiplied out, profiles of colour are not applied. EXIF's
/// orientation is obeyed; the first picture of an animation is taken.
///
/// Two things differ. Grey of sixteen bits loses the lower eight, too, where Pillow makes everything above 255
/// white; and an orientation that is said in XMP alone is not seen.
public final class Picture {
    /// The most pixels that are decoded.
    public static final int MAX_PIXELS = 100_000_000;

    /// The most columns, and the most rows.
    public static final int MAX_SIDE = 65_535;

    /// The most bytes that a file may have.
    public static final int MAX_BYTES = 512 << 20;

    private final String name;
    private final int width;
    private final int height;
    private final byte[] rgb;
    private final Optional<Path> file;

    private Picture(String name, int width, int height, byte[] rgb, Optional<Path> file) {
        this.name = name;
        this.width = width;
        this.height = height;
        this.rgb = rgb;
        this.file = file;
    }

    /// Returns a picture of these pixels, which it keeps.
    ///
    /// @param rgb red, green and blue of each pixel, row by row
    public static Picture of(String name, int width, int height, byte[] rgb) {
        if (width <= 0 || height <= 0 || rgb.length != 3L * width * height) {
            throw new IllegalArgumentException(
                    width + " x " + height + " pixels of three bytes, and " + rgb.length + " bytes");
        }
        return new Picture(name, width, height, rgb, Optional.empty());
    }

    /// Reads a picture from a file.
    ///
    /// @throws UnreadablePictureException if it is none, or too large
    public static Picture read(Path file) {
        String name = file.toString();
        try (InputStream in = Files.newInputStream(file)) {
            Picture read = read(in, name);
            return new Picture(name, read.width, read.height, read.rgb, Optional.of(file));
        } catch (IOException e) {
            throw new UncheckedIOException(file + ": " + IoFailure.reason(e), e);
        }
    }

    /// Reads a picture from a stream to its end.
    ///
    /// @param name what messages call it
    /// @throws UnreadablePictureException if it is none, or too large
    public static Picture read(InputStream in, String name) throws IOException {
        byte[] bytes = in.readNBytes(MAX_BYTES + 1);
        if (bytes.length > MAX_BYTES) {
            throw new UnreadablePictureException(name, "expected at most " + MAX_BYTES + " bytes, found more");
        }
        return read(bytes, name);
    }

    /// Reads a picture from the bytes of a file.
    ///
    /// @param name what messages call it
    /// @throws UnreadablePictureException if they are none, or one that is too large
    public static Picture read(byte[] bytes, String name) {
        return PictureFormat.read(new PictureFile(name, bytes));
    }

    /// Returns what messages call this picture.
    public String name() {
        return name;
    }

    /// Returns the file that it was read from, if it was one.
    public Optional<Path> file() {
        return file;
    }

    /// Returns the number of columns.
    public int width() {
        return width;
    }

    /// Returns the number of rows.
    public int height() {
        return height;
    }

    /// Returns red, green and blue of each pixel, row by row: this picture's own array, which nobody may change.
    public byte[] rgb() {
        return rgb;
    }

    /// Returns the exception that refuses this picture.
    public UnreadablePictureException refused(String problem) {
        return new UnreadablePictureException(name, problem);
    }

    /// Checks that the Java heap has room for `bytes` that are made of this picture.
    ///
    /// @throws UnreadablePictureException if it has not
    public void requireHeap(long bytes) {
        Canvas.requireHeap(name, bytes, width + " x " + height + " pixels");
    }

    /// Says whether the other is a picture of the same pixels, whatever messages call it.
    @Override
    public boolean equals(@Nullable Object other) {
        if (this == other) {
            return true;
        }
        return other instanceof Picture picture
                && width == picture.width
                && height == picture.height
                && Arrays.equals(rgb, picture.rgb);
    }

    @Override
    public int hashCode() {
        return 31 * (31 * width + height) + Arrays.hashCode(rgb);
    }

    @Override
    public String toString() {
        return name + " (" + width + " x " + height + ")";
    }
}
