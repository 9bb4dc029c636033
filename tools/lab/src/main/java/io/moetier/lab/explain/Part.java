package io.moetier.lab.explain;

/// What one summand adds to the output of a mixture. Sizes are L2 norms.
///
/// @param id the expert's, or that of the choice that it is; -1 where there is none
/// @param weight by which the summand counts: the router's, or the sigmoid of a shared expert's gate
/// @param outputSize of what the expert gives; where weights multiply what experts read, the weight is in it
/// @param size of what is added
/// @param share what is added in the direction of the sum, as a part of the sum's size; these add up to 1
public record Part(Kind kind, int id, double weight, double outputSize, double size, double share) {
    /// What is added.
    public enum Kind {
        /// What a chosen expert gives.
        EXPERT,
        /// The mixture's input: the choice of an identity.
        IDENTITY,
        /// Nothing: a choice that was dropped.
        DROPPED,
        /// A bias of the mixture.
        BIAS,
        /// What an expert that every token visits gives.
        SHARED
    }
}
