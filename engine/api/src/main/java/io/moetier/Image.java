package io.moetier;

import io.moetier.runtime.image.Picture;
import io.moetier.runtime.text.ChatMessage;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A picture that a message shows: PNG, JPEG, WebP, GIF or BMP. Equal to every other of the same pixels.
public final class Image {
    /// Stands in a text where an image is.
    public static final String MARK = ChatMessage.MARK;

    private final Picture picture;

    private Image(Picture picture) {
        this.picture = picture;
    }

    /// Reads an image from a file.
    ///
    /// @throws MoetierException.InputOutput if it cannot be read, or holds none
    public static Image read(Path file) {
        return new Image(Failures.translated(() -> Picture.read(file)));
    }

    /// Reads an image from the bytes of a file.
    ///
    /// @param name what messages call it
    /// @throws MoetierException.InputOutput if they are none
    public static Image of(byte[] bytes, String name) {
        return new Image(Failures.translated(() -> Picture.read(bytes, name)));
    }

    static Image of(Picture picture) {
        return new Image(picture);
    }

    static List<Picture> pictures(List<Image> images) {
        return images.stream().map(image -> image.picture).toList();
    }

    /// Returns the number of columns.
    public int width() {
        return picture.width();
    }

    /// Returns the number of rows.
    public int height() {
        return picture.height();
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Image image && picture.equals(image.picture);
    }

    @Override
    public int hashCode() {
        return picture.hashCode();
    }

    @Override
    public String toString() {
        return picture.toString();
    }
}
