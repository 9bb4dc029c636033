package io.moetier.engine.device;

/// The constants of an attention layer.
///
/// @param numHeads query heads; query head `h` reads key and value head `h / (numHeads / numKvHeads)`
/// @param numKvHeads key and value heads
/// @param headDim floats of one head
/// @param scale what the scores are multiplied by, usually `1 / sqrt(headDim)`
/// @param slidingWindow a query at position `p` sees keys `p - slidingWindow < j <= p`; 0 means every `j <= p`
public record AttentionShape(int numHeads, int numKvHeads, int headDim, float scale, int slidingWindow) {
    /// @throws IllegalArgumentException if a count is not positive, the window is negative, or the query heads do not
    /// divide evenly among the key heads
    public AttentionShape {
        if (numKvHeads <= 0 || numHeads <= 0 || numHeads % numKvHeads != 0) {
            throw new IllegalArgumentException(numHeads + " query heads cannot share " + numKvHeads + " key heads");
        }
        if (headDim <= 0 || slidingWindow < 0) {
            throw new IllegalArgumentException("headDim " + headDim + ", slidingWindow " + slidingWindow);
        }
    }

    /// Returns the first position that a query at `position` sees.
    public int firstVisible(int position) {
        return slidingWindow == 0 ? 0 : Math.max(0, position - slidingWindow + 1);
    }
}
