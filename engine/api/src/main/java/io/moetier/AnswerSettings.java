package io.moetier;

import io.moetier.runtime.chat.AnswerOptions;
import io.moetier.runtime.session.SamplingParams;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;

/// How answers are drawn and when they end.
///
/// @param sampling how tokens are drawn
/// @param seed start of the random sequence; the same seed gives the same text; empty for another one for each chat and
///     each completed text, which the answer tells
/// @param maxTokens of an answer; -1 for as many as the context holds; where it is empty, 200 for a text that is
/// continued, and as many as the context holds for a chat
/// @param stops texts before which an answer ends
public record AnswerSettings(Sampling sampling, OptionalLong seed, OptionalInt maxTokens, List<String> stops) {
    /// What most would choose.
    public static final AnswerSettings DEFAULT =
            new AnswerSettings(Sampling.DEFAULT, OptionalLong.empty(), OptionalInt.empty(), List.of());

    /// @throws MoetierException.NotPossible if a value is out of range
    public AnswerSettings {
        List<String> copied = List.copyOf(stops);
        stops = copied;
        Failures.translated(() -> options(sampling, seed, maxTokens, copied));
    }

    /// Returns these settings with another way to draw tokens.
    public AnswerSettings withSampling(Sampling newSampling) {
        return new AnswerSettings(newSampling, seed, maxTokens, stops);
    }

    /// Returns these settings with a start of the random sequence.
    public AnswerSettings withSeed(long start) {
        return new AnswerSettings(sampling, OptionalLong.of(start), maxTokens, stops);
    }

    /// Returns these settings with at most so many tokens.
    public AnswerSettings withMaxTokens(int count) {
        return new AnswerSettings(sampling, seed, OptionalInt.of(count), stops);
    }

    /// Returns these settings with texts before which an answer ends.
    public AnswerSettings withStops(String... texts) {
        return new AnswerSettings(sampling, seed, maxTokens, List.of(texts));
    }

    AnswerOptions options() {
        return options(sampling, seed, maxTokens, stops);
    }

    private static AnswerOptions options(Sampling of, OptionalLong seed, OptionalInt maxTokens, List<String> stops) {
        SamplingParams params = new SamplingParams(
                of.temperature(), of.topK(), of.topP(), of.minP(), of.repeatPenalty(), of.repeatLastN(), 0);
        return new AnswerOptions(params, seed, maxTokens, stops, false);
    }
}
