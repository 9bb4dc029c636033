package io.moetier.runtime.chat;

import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.runtime.session.SamplingParams;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;

/// How an answer is drawn and when it ends.
///
/// @param sampling how tokens are drawn; its seed is not asked
/// @param seed of the first answer; where there is none, a chat draws one, and each answer to a prompt that is no chat
/// @param maxTokens of an answer, -1 for as many as the context holds; where nobody says, [#OPEN_ENDED] for a text that
/// is continued, and as many as the context holds for what a model ends
/// @param stops texts before which an answer ends
/// @param ignoresEndOfSequence whether it goes on after the model's end-of-sequence token
public record AnswerOptions(
        SamplingParams sampling,
        OptionalLong seed,
        OptionalInt maxTokens,
        List<String> stops,
        boolean ignoresEndOfSequence) {
    /// Tokens of a text whose end no model knows, unless it is said how many.
    public static final int OPEN_ENDED = 200;

    /// llama.cpp's defaults, with another seed each time.
    public static final AnswerOptions DEFAULT =
            new AnswerOptions(SamplingParams.DEFAULT, OptionalLong.empty(), OptionalInt.empty(), List.of(), false);

    /// @throws InvalidOptionException if a value is out of range
    public AnswerOptions {
        InvalidOptionException.require(maxTokens.orElse(0) >= -1, "maxTokens", "-1 or more", maxTokens.orElse(0));
        InvalidOptionException.require(!stops.contains(""), "stops", "a text", "none");
        stops = List.copyOf(stops);
    }

    /// @param ends whether the model is known to end its answers, as it does those of a chat
    int most(boolean ends) {
        return maxTokens.orElse(ends ? -1 : OPEN_ENDED);
    }
}
