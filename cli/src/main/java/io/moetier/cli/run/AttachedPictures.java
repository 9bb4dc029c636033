package io.moetier.cli.run;

import io.moetier.runtime.image.Picture;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/// The pictures that the next prompt shows.
final class AttachedPictures {
    private static final String NONE = "\"\"";

    private final Answerer answerer;
    private final TypedFile files;
    private final List<Picture> pictures = new ArrayList<>();

    /// @param pictures which the first prompt shows
    AttachedPictures(Answerer answerer, TypedFile files, List<Picture> pictures) {
        this.answerer = answerer;
        this.files = files;
        this.pictures.addAll(pictures);
    }

    /// Adds the picture in the file `given`, drops all if that is `""`, and returns lines that say which there are.
    ///
    /// @throws IllegalArgumentException if the model reads none
    /// @throws io.moetier.runtime.image.UnreadablePictureException if the file holds none
    String attach(String given) {
        if (given.equals(NONE)) {
            pictures.clear();
        } else if (!given.isEmpty()) {
            answerer.requireVision();
            pictures.add(Picture.read(files.named("/image", given)));
        }
        return pictures.isEmpty()
                ? "the next prompt shows no picture\n"
                : pictures.stream()
                        .map(picture -> "the next prompt shows " + picture + "\n")
                        .collect(Collectors.joining());
    }

    /// Returns what the prompt shows that is asked now.
    List<Picture> shown() {
        return List.copyOf(pictures);
    }

    /// Forgets them, once they were shown.
    void clear() {
        pictures.clear();
    }
}
