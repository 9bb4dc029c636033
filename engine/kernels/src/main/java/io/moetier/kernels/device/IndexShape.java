package io.moetier.kernels.device;

/// The constants of an indexer, which chooses the keys that attention reads. It has queries of its own for some heads,
/// and one key for each position.
///
/// Either all heads choose together (DeepSeek-V3.2's lightning indexer): the score of a position is the sum of the
/// positive products of queries and key, each times a weight that comes with the query. Or each head chooses for itself
/// (MiniMax-M3): the score of a block is the largest product in it, and the query's own block is always chosen.
///
/// @param numHeads heads of queries
/// @param dim floats of a head, and of a key
public record IndexShape(int numHeads, int dim, KeyBlocks blocks) {
    /// @throws IllegalArgumentException if a count is not positive, or choices suit neither way
    public IndexShape {
        if (numHeads < 1 || dim < 1) {
            throw new IllegalArgumentException(numHeads + " index heads of " + dim + " floats");
        }
        if (blocks.numHeads() != (blocks.length() == 1 ? 1 : numHeads)) {
            throw new IllegalArgumentException(numHeads + " index heads do not suit " + blocks);
        }
    }

    /// Says whether all heads choose together, by weighted sums.
    public boolean isWeighted() {
        return blocks.length() == 1;
    }
}
