package io.moetier.runtime.lookahead;

/// Guesses which experts a layer will choose for the token under way, from what routers have chosen so far.
///
/// Layers are those with experts, counted from 0. Allocates nothing after construction. Confined to one thread.
interface ExpertPredictor {
    /// Learns what `layer` chose: `experts[0..k)`. Within a token, layers come in order.
    void onDecision(int layer, int[] experts, int k);

    /// Writes up to `k` distinct experts of `layer` to `to`, the likeliest first, and returns how many; 0 as long as
    /// nothing is known.
    int predict(int layer, int[] to, int k);
}
