package io.moetier;

import io.moetier.runtime.metrics.RunStats;
import io.moetier.runtime.session.Generator.Outcome;

/// What an answer took. Of experts it tells what the model did meanwhile: where several threads ask it at once, for all
/// of their answers.
///
/// @param promptTokens tokens of the prompt that were computed; those that a conversation had computed before are not
/// @param promptSeconds time until the first token was known
/// @param generatedTokens tokens of the answer
/// @param generationSeconds time from the first token to the last
/// @param expertHitRate the share of needed experts that were found in the fastest memory
/// @param diskBytes bytes of experts that were read from disk
/// @param waitSeconds how long the computation stood still for want of an expert
public record AnswerReport(
        int promptTokens,
        double promptSeconds,
        int generatedTokens,
        double generationSeconds,
        double expertHitRate,
        long diskBytes,
        double waitSeconds) {
    private static final double NANOS = 1e9;

    static AnswerReport of(Outcome outcome, RunStats stats) {
        return new AnswerReport(
                outcome.promptTokens(),
                outcome.promptNanos() / NANOS,
                outcome.generatedTokens(),
                outcome.decodeNanos() / NANOS,
                stats.hitRate(),
                stats.diskBytes(),
                stats.waitNanos() / NANOS);
    }

    /// Returns tokens per second after the first one, which belongs to the prompt; 0 for fewer than two.
    public double tokensPerSecond() {
        return generationSeconds == 0 ? 0 : Math.max(0, generatedTokens - 1) / generationSeconds;
    }
}
