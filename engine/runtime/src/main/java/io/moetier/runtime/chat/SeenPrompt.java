package io.moetier.runtime.chat;

import io.moetier.runtime.image.Picture;
import io.moetier.runtime.image.processor.ImageMarks;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.model.vision.ImagePatches;
import io.moetier.runtime.text.ChatMessage;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// The tokens of a prompt with what was said before it, and what is shown among them.
///
/// @param places of what is shown, in order
/// @param patches what the tower takes at a place; asked only if it has to be read
/// @param pictures what stands for them in the text
@SuppressWarnings("ArrayRecordComponent") // nobody compares them
record SeenPrompt(int[] tokens, List<Place> places, IntFunction<List<ImagePatches>> patches, ReadPictures pictures) {
    SeenPrompt {
        places = List.copyOf(places);
    }

    /// Where something is shown.
    ///
    /// @param what equal to what shows the same
    /// @param first its first token's position
    /// @param end behind its last token
    record Place(Object what, int first, int end) {}

    /// Returns a text that shows pictures, with our marks in the place of the model's.
    ///
    /// @throws IllegalArgumentException if the model reads no images, or marks are not as many as pictures
    static ChatMessage message(LoadedModel model, String text, List<Picture> pictures) {
        if (pictures.isEmpty()) {
            return new ChatMessage(Transcript.USER, text);
        }
        ImageMarks marks = model.imageProcessor().marks();
        String marked = text.replace(marks.whole(), ChatMessage.MARK).replace(marks.mark(), ChatMessage.MARK);
        return ChatMessage.showing(Transcript.USER, marked, pictures);
    }

    /// Returns the tokens of a text with its pictures.
    ///
    /// @param text given what to write for a picture
    static SeenPrompt read(
            LoadedModel model, ReadPictures pictures, UnaryOperator<String> text, Function<String, int[]> encode) {
        if (pictures.entries().isEmpty()) {
            return of(encode.apply(text.apply(ChatMessage.MARK)));
        }
        ImageMarks marks = model.imageProcessor().marks();
        int[] tokens = encode.apply(pictures.expand(text.apply(marks.whole()), marks));
        List<Place> places = pictures.places(tokens, model.engine().imageToken());
        return new SeenPrompt(tokens, places, place -> pictures.patches(place, model), pictures);
    }

    /// Returns a prompt that shows nothing.
    static SeenPrompt of(int[] tokens) {
        return new SeenPrompt(tokens, List.of(), _ -> List.of(), ReadPictures.NONE);
    }

    /// Returns a prompt whose image tokens are those of `images`, which are equal to no others.
    static SeenPrompt of(int[] tokens, List<ImagePatches> images) {
        return new SeenPrompt(tokens, List.of(new Place(images, 0, tokens.length)), _ -> images, ReadPictures.NONE);
    }

    /// Returns how much of a session can stay: the tokens that both have at their beginning, as long as they show the
    /// same, but never a part of a picture, nor all of this prompt.
    ///
    /// @param before what is shown in the session
    int kept(int[] session, List<Place> before) {
        int common = Arrays.mismatch(tokens, session);
        int kept = Math.max(0, Math.min(common < 0 ? tokens.length : common, tokens.length - 1));
        for (Place place : Stream.concat(places.stream(), before.stream()).toList()) {
            boolean isInBoth = places.contains(place) && before.contains(place);
            if (place.first < kept && (!isInBoth || kept < place.end)) {
                kept = place.first;
            }
        }
        return kept;
    }

    /// Returns what the tower has to read for the tokens from position `kept` on.
    List<ImagePatches> patchesFrom(int kept) {
        return IntStream.range(0, places.size())
                .filter(i -> places.get(i).first >= kept)
                .boxed()
                .flatMap(i -> patches.apply(i).stream())
                .toList();
    }
}
