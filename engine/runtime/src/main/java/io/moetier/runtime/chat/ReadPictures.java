package io.moetier.runtime.chat;

import io.moetier.runtime.image.Picture;
import io.moetier.runtime.image.processor.ImageMarks;
import io.moetier.runtime.image.processor.ImageProcessor;
import io.moetier.runtime.image.processor.Pixels;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.model.vision.ImagePatches;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The pictures of a conversation, and what stands for each in its text.
record ReadPictures(List<Entry> entries) {
    static final ReadPictures NONE = new ReadPictures(List.of());

    ReadPictures {
        entries = List.copyOf(entries);
    }

    /// A picture.
    ///
    /// @param words what stands for it in the text
    /// @param rows how many image tokens are among them
    /// @param pixels what the tower takes, until it has; they are large
    record Entry(Picture picture, String words, int rows, Optional<Pixels> pixels) {
        static Entry read(Picture picture, ImageProcessor processor) {
            Pixels pixels = processor.process(picture);
            return new Entry(picture, processor.marks().words().apply(pixels), pixels.tokens(), Optional.of(pixels));
        }
    }

    /// Returns these pictures; those that are not among the present ones are read.
    ///
    /// @throws IllegalArgumentException if the model reads none
    /// @throws io.moetier.runtime.image.UnreadablePictureException if the size of one is refused
    ReadPictures with(List<Picture> pictures, LoadedModel model) {
        if (pictures.isEmpty()) {
            return NONE;
        }
        ImageProcessor processor = model.imageProcessor();
        return new ReadPictures(pictures.stream()
                .map(picture -> find(picture).orElseGet(() -> Entry.read(picture, processor)))
                .toList());
    }

    private Optional<Entry> find(Picture picture) {
        return entries.stream().filter(entry -> entry.picture.equals(picture)).findFirst();
    }

    /// Returns the same without what the tower takes.
    ReadPictures withoutPixels() {
        return new ReadPictures(entries.stream()
                .map(entry -> new Entry(entry.picture, entry.words, entry.rows, Optional.empty()))
                .toList());
    }

    /// Returns `text` with what stands for the pictures in the place of its marks.
    ///
    /// @throws IllegalArgumentException if there are not as many marks
    String expand(String text, ImageMarks marks) {
        return marks.expand(text, entries.stream().map(Entry::words).toList());
    }

    /// Returns what the tower takes for a picture.
    List<ImagePatches> patches(int index, LoadedModel model) {
        Entry entry = entries.get(index);
        return List.of(entry.pixels.map(model::patches).orElseGet(() -> model.patches(entry.picture)));
    }

    /// Returns where each picture is among the tokens of the text.
    ///
    /// @throws IllegalArgumentException if the tokenizer does not know the image tokens
    List<SeenPrompt.Place> places(int[] tokens, int imageToken) {
        List<SeenPrompt.Place> places = new ArrayList<>();
        int at = 0;
        for (Entry entry : entries) {
            int first = -1;
            for (int left = entry.rows; left > 0; at++) {
                if (at == tokens.length) {
                    throw new IllegalArgumentException("the tokenizer does not make " + entry.rows + " tokens of id "
                            + imageToken + " of " + entry.words.length() + " characters for " + entry.picture.name());
                }
                if (tokens[at] == imageToken) {
                    first = first < 0 ? at : first;
                    left--;
                }
            }
            places.add(new SeenPrompt.Place(entry.picture, first, at));
        }
        return places;
    }
}
