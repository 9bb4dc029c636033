package io.moetier.lab.explain;

import java.util.List;

/// What one mixture did with one token. Sizes are L2 norms.
///
/// @param layer of the model
/// @param ofHeads whether attention heads are mixed, instead of feed-forward networks
/// @param position the token's
/// @param gate what its router said
/// @param parts what is summed: the choices in their order, then the bias and the shared expert, where there are some
/// @param sumSize of what the mixture gives
public record TokenMixture(int layer, boolean ofHeads, int position, Gate gate, List<Part> parts, double sumSize) {
    /// What a router said of one token.
    ///
    /// @param inputSize of what it is shown, as are the experts
    /// @param logits `[choices]`; identities lie behind the experts
    /// @param scores `[choices]`, what the router's rule makes of them: probabilities, for most
    /// @param ranks `[choices]`, scores with what is added to them for the choice only
    @SuppressWarnings("ArrayRecordComponent") // nobody compares them
    public record Gate(double inputSize, float[] logits, float[] scores, float[] ranks) {}

    public TokenMixture {
        parts = List.copyOf(parts);
    }
}
