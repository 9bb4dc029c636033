package io.moetier.runtime.session;

import static io.moetier.runtime.option.InvalidOptionException.require;

/// How the next token is drawn, in the terms of llama.cpp.
///
/// @param temperature divides the logits; 0 takes the most probable token
/// @param topK keep this many most probable tokens; 0 keeps all
/// @param topP keep the smallest set whose probability reaches this; 1 keeps all
/// @param minP drop tokens less probable than this share of the most probable; 0 drops none
/// @param repeatPenalty divides positive and multiplies negative logits of recent tokens; 1 leaves them
/// @param repeatLastN how many tokens count as recent; −1 for the whole context
/// @param seed start of the random sequence
public record SamplingParams(
        double temperature, int topK, double topP, double minP, double repeatPenalty, int repeatLastN, long seed) {
    /// llama.cpp's defaults, with a fixed seed.
    public static final SamplingParams DEFAULT = new SamplingParams(0.8, 40, 0.95, 0.05, 1.0, 64, 0);

    /// Always the most probable token.
    public static final SamplingParams GREEDY = new SamplingParams(0, 40, 0.95, 0.05, 1.0, 64, 0);

    /// Checks every value.
    ///
    /// @throws io.moetier.runtime.option.InvalidOptionException if a value is out of range
    public SamplingParams {
        require(temperature >= 0 && Double.isFinite(temperature), "temperature", "0 or more", temperature);
        require(topK >= 0, "topK", "0 or more", topK);
        require(topP > 0 && topP <= 1, "topP", "above 0 and at most 1", topP);
        require(minP >= 0 && minP <= 1, "minP", "from 0 to 1", minP);
        require(repeatPenalty > 0 && Double.isFinite(repeatPenalty), "repeatPenalty", "above 0", repeatPenalty);
        require(repeatLastN >= -1, "repeatLastN", "-1 or more", repeatLastN);
    }

    /// Returns the same with another start of the random sequence.
    public SamplingParams withSeed(long newSeed) {
        return new SamplingParams(temperature, topK, topP, minP, repeatPenalty, repeatLastN, newSeed);
    }
}
