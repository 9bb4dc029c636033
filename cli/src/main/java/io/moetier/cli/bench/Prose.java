package io.moetier.cli.bench;

import io.moetier.runtime.library.LoadedModel;
import java.util.Arrays;
import java.util.SplittableRandom;

/// What is read to measure speed: prose, so that routers choose as they do in earnest.
public final class Prose {
    private static final String TEXT = """
        When the river rose in spring, the people of the valley carried their boats up to the mill and waited. \
        The miller's daughter counted the sacks of grain, wrote the numbers into her book, and counted them again, \
        for her father had taught her that a number is only as good as the second look. On the third day a \
        traveller came down from the hills with a mule, two baskets of clocks and a letter for the schoolmaster. \
        "How far is it to the sea?" he asked. "Four days on foot," said the girl, "or two, if the water lets you." \
        He laughed, sat down on the steps, and took a clock apart to show her why it ran slow in wet weather. \
        By evening eleven children stood around them, and each had a question that the schoolmaster could not \
        have answered. What drives the smallest wheel? Why are there twelve hours and not ten? Who was it that \
        first thought of measuring a day? The traveller answered what he knew, admitted what he did not, and \
        promised to write. In the morning the water had fallen by the height of a hand.
        """;

    private Prose() {}

    /// Returns the beginning of the prose as tokens, over and over if it is too short; random ones for a model without
    /// a tokenizer.
    public static int[] tokens(LoadedModel model, int count) {
        int[] text = model.tokenizer()
                .map(tokenizer -> tokenizer.encode(TEXT, true))
                .orElseGet(() -> new SplittableRandom(0)
                        .ints(count, 0, model.engine().spec().vocabSize())
                        .toArray());
        int[] tokens = new int[count];
        Arrays.setAll(tokens, i -> text[i % text.length]);
        return tokens;
    }
}
