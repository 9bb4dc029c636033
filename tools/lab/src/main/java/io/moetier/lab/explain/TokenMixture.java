package io.moetier.lab.explain;

import java.util.List;

/// What one mixture did with one token. Sizes are L2 norms.
///
/// @param layer of the model
/// @param ofHeads whether attention heads are mixed, instead of feed-forward networks
/// @param position the token's
/// @param inputSize of what the router and the experts are shown
/// @param logits `[choices]`, the router's; identities lie behind the experts
/// @param scores `[choices]`, what the router's rule makes of them: probabilities, for most
/// @param ranks `[choices]`, scores with what is added to them for the choice only
/// @param parts what is summed: the choices in their order, then the bias and the shared expert, where there are some
/// @param sumSize of what the mixture gives
@SuppressWarnings("ArrayRecordComponent") // nobody compares them
public record TokenMixture(
        int layer,
        boolean ofHeads,
        int position,
        double inputSize,
        float[] logits,
        float[] scores,
        float[] ranks,
        List<Part> parts,
        double sumSize) {
    public TokenMixture {
        parts = List.copyOf(parts);
    }
}
