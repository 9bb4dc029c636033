package io.moetier.runtime.lookahead;

/// How many of the experts that were chosen had been guessed.
///
/// @param guesser who guessed
/// @param layer the layer with experts that was guessed, counted from 0, or -1 for all of them
/// @param guessed experts that were guessed and chosen
/// @param chosen experts that were chosen where there was a guess
public record Recall(Guesser guesser, int layer, long guessed, long chosen) {
    /// Returns the share, 0 if there was no guess.
    public double share() {
        return chosen == 0 ? 0 : (double) guessed / chosen;
    }
}
