package io.moetier.engine.device;

/// How experts are chosen from a router's logits: softmax over all, then the likeliest.
///
/// @param renormalise whether the chosen probabilities are divided by their sum
public record Routing(int numExperts, int numExpertsPerToken, boolean renormalise) {
    /// @throws IllegalArgumentException if so many experts cannot be chosen
    public Routing {
        if (numExpertsPerToken < 1 || numExpertsPerToken > numExperts) {
            throw new IllegalArgumentException(
                    "cannot choose " + numExpertsPerToken + " of " + numExperts + " experts");
        }
    }
}
