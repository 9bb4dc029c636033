package io.moetier;

/// How the next token is drawn, in the terms of llama.cpp.
///
/// @param temperature divides the logits; 0 takes the most probable token
/// @param topK keeps this many most probable tokens; 0 keeps all
/// @param topP keeps the smallest set whose probability reaches this; 1 keeps all
/// @param minP drops tokens less probable than this share of the most probable; 0 drops none
/// @param repeatPenalty divides positive and multiplies negative logits of recent tokens; 1 leaves them
/// @param repeatLastN how many tokens count as recent; -1 for all
public record Sampling(double temperature, int topK, double topP, double minP, double repeatPenalty, int repeatLastN) {
    /// llama.cpp's defaults.
    public static final Sampling DEFAULT = new Sampling(0.8, 40, 0.95, 0.05, 1, 64);

    /// Always the most probable token.
    public static final Sampling GREEDY = DEFAULT.withTemperature(0);

    /// Returns the same with another temperature.
    public Sampling withTemperature(double value) {
        return new Sampling(value, topK, topP, minP, repeatPenalty, repeatLastN);
    }
}
