package io.moetier.kernels.device;

import org.jspecify.annotations.Nullable;

/// The constants of a layer of attention to the last positions and to compressed entries (DeepSeek-AI 2026,
/// DeepSeek-V4). All heads share one row of a position, which is its key and its value, and so of an entry, which
/// stands for `rate` positions. A query sees the last positions, its own included, and the entries whose
/// positions are all before it or its own.
///
/// @param rows how a row is attended to: as a latent, beside which there is nothing
/// @param window how many of the last positions a query sees
/// @param rate positions of an entry; 0 where there are no entries
public record CompressedShape(LatentShape rows, int window, int rate) {
    /// @throws IllegalArgumentException if a count is not positive, or something is rotated apart from the rows
    public CompressedShape {
        if (window < 1 || rate < 0) {
            throw new IllegalArgumentException("the last " + window + " positions, and entries of " + rate);
        }
        if (rows.queryDim() > 0) {
            throw new IllegalArgumentException("rows that are keys and values have nothing beside them: " + rows);
        }
    }

    /// Creates the shape of `numHeads` queries of `headDim` floats.
    ///
    /// @param scale what the scores are multiplied by
    /// @param sinks a further logit for each query head; null for none
    public static CompressedShape of(
            int numHeads, int headDim, float scale, @Nullable AttentionSinks sinks, int window, int rate) {
        return new CompressedShape(new LatentShape(numHeads, 0, 0, headDim, scale, sinks), window, rate);
    }

    /// Returns how many query heads there are.
    public int numHeads() {
        return rows.numHeads();
    }

    /// Returns how many floats a query has, and a row.
    public int headDim() {
        return rows.latentDim();
    }

    /// Returns how many of the last positions a query at `position` sees.
    public int recent(int position) {
        return Math.min(position + 1, window);
    }

    /// Returns how many entries are complete for a query at `position`.
    public int entries(int position) {
        return rate == 0 ? 0 : (position + 1) / rate;
    }

    /// Returns how many entries a query at `position` reads.
    ///
    /// @param chosen which of them; null for all
    public int read(int position, @Nullable KeyBlocks chosen) {
        return chosen == null ? entries(position) : chosen.chosen(position);
    }

    /// How rows of positions become rows of entries: each element by itself is the mean of those of the positions,
    /// weighted by a softmax over gates of its own.
    ///
    /// @param dim floats of an entry
    /// @param rate positions of an entry
    /// @param overlaps whether an entry also takes the positions of the one before; a position then has twice
    ///     as many floats: first those for the entry behind its own, then those for its own
    public record Pooling(int dim, int rate, boolean overlaps) {
        /// Parts of the state of an element: the largest gate so far, the sum of the weights relative to it, and that
        /// of the weighted elements.
        public static final int PARTS = 3;

        /// @throws IllegalArgumentException if a count is not positive
        public Pooling {
            if (dim < 1 || rate < 1 || 2L * PARTS * dim > Integer.MAX_VALUE) {
                throw new IllegalArgumentException("entries of " + dim + " floats for " + rate + " positions");
            }
        }

        /// Returns how many floats a position has.
        public int width() {
            return overlaps ? 2 * dim : dim;
        }

        /// Returns how many floats are remembered: `[entries that have begun][PARTS][dim]`.
        public int state() {
            return PARTS * width();
        }

        /// Returns how many entries are complete after `positions` positions.
        public int entries(int positions) {
            return positions / rate;
        }
    }
}
