package io.moetier.runtime.image.processor;

import java.util.List;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The words of a model's tokenizer that stand for pictures in a text, as the hub's processor of its family has them.
///
/// @param mark what a chat template writes for a picture, apart from what it puts around it
/// @param whole what is written for a picture where there is no template
/// @param words what takes the place of a mark: a word for each row that the tower gives, and what belongs to them
public record ImageMarks(String mark, String whole, Function<Pixels, String> words) {
    /// Returns marks around which a template writes nothing.
    static ImageMarks alone(String mark, Function<Pixels, String> words) {
        return new ImageMarks(mark, mark, words);
    }

    /// Returns `text` with words in the place of its marks.
    ///
    /// @param pictures the words of each, in order
    /// @throws IllegalArgumentException if there are not as many marks
    public String expand(String text, List<String> pictures) {
        Matcher marks = Pattern.compile(mark, Pattern.LITERAL).matcher(text);
        long found = marks.results().count();
        if (found != pictures.size()) {
            throw new IllegalArgumentException("the conversation has " + found + " times " + mark
                    + ", which stands for a picture, but shows " + pictures.size());
        }
        StringBuilder expanded = new StringBuilder();
        marks.reset();
        for (String picture : pictures) {
            marks.find();
            marks.appendReplacement(expanded, Matcher.quoteReplacement(picture));
        }
        return marks.appendTail(expanded).toString();
    }
}
