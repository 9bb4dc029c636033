package io.moetier;

import java.util.List;

/// An answer.
///
/// @param text without the stop text that ended it; the ids separated by blanks for a model without a tokenizer
/// @param promptLength tokens of the prompt, those among them that were computed before included
/// @param tokenIds its tokens
/// @param seed that draws the same answer to the same prompt again; in a chat, behind the same prompts
/// @param report what it took
public record Answer(
        String text,
        int promptLength,
        List<Integer> tokenIds,
        FinishReason finishReason,
        long seed,
        AnswerReport report) {}
