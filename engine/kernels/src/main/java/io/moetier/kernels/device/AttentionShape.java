package io.moetier.kernels.device;

import org.jspecify.annotations.Nullable;

/// The constants of an attention layer.
///
/// @param numHeads query heads; query head `h` reads key and value head `h / (numHeads / numKvHeads)`
/// @param numKvHeads key and value heads
/// @param size how long keys and values are
/// @param scale what the scores are multiplied by, usually `1 / sqrt(headDim)`
/// @param visible which keys a query sees
/// @param tiledHeads whether query head `h` reads head `h % numKvHeads` instead
/// @param sinks a further logit for each query head; null for none
public record AttentionShape(
        int numHeads,
        int numKvHeads,
        Size size,
        float scale,
        VisibleKeys visible,
        boolean tiledHeads,
        @Nullable AttentionSinks sinks) {
    /// How long the vectors of a head are.
    ///
    /// @param keys floats of a query and of a key
    /// @param values floats of a value and of a head's result, usually as many
    public record Size(int keys, int values) {
        /// @throws IllegalArgumentException if a number is not positive
        public Size {
            if (keys <= 0 || values <= 0) {
                throw new IllegalArgumentException("heads of " + keys + " floats, and of " + values + " of values");
            }
        }
    }

    /// @throws IllegalArgumentException if a count is not positive, there is not one sink for each head, or the query
    ///     heads do not divide evenly among the key heads
    public AttentionShape {
        if (numKvHeads <= 0 || numHeads <= 0 || numHeads % numKvHeads != 0) {
            throw new IllegalArgumentException(numHeads + " query heads cannot share " + numKvHeads + " key heads");
        }
        if (sinks != null && sinks.numHeads() != numHeads) {
            throw new IllegalArgumentException(sinks.numHeads() + " sinks for " + numHeads + " heads");
        }
    }

    /// Creates one without chunks or sinks, whose neighbouring heads share keys, and whose values are as long as keys.
    ///
    /// @param slidingWindow as of [VisibleKeys]
    public AttentionShape(int numHeads, int numKvHeads, int headDim, float scale, int slidingWindow) {
        this(numHeads, numKvHeads, new Size(headDim, headDim), scale, new VisibleKeys(slidingWindow, 0), false, null);
    }

    /// Returns this shape with values of so many floats.
    public AttentionShape withValueDim(int valueDim) {
        Size other = new Size(size.keys(), valueDim);
        return new AttentionShape(numHeads, numKvHeads, other, scale, visible, tiledHeads, sinks);
    }

    /// Returns this shape with chunks.
    public AttentionShape withChunk(int chunk) {
        VisibleKeys chunked = new VisibleKeys(visible.slidingWindow(), chunk);
        return new AttentionShape(numHeads, numKvHeads, size, scale, chunked, tiledHeads, sinks);
    }

    /// Returns this shape with a window of so many keys more, if it has one.
    public AttentionShape withWiderWindow(int keys) {
        long wide = (long) visible.slidingWindow() + keys;
        int window = visible.slidingWindow() == 0 ? 0 : (int) Math.min(wide, Integer.MAX_VALUE);
        VisibleKeys wider = new VisibleKeys(window, visible.chunk());
        return new AttentionShape(numHeads, numKvHeads, size, scale, wider, tiledHeads, sinks);
    }

    /// Returns this shape with heads that read the key heads in turn.
    public AttentionShape withTiledHeads() {
        return new AttentionShape(numHeads, numKvHeads, size, scale, visible, true, sinks);
    }

    /// Returns this shape with sinks, or without.
    public AttentionShape withSinks(@Nullable AttentionSinks newSinks) {
        return new AttentionShape(numHeads, numKvHeads, size, scale, visible, tiledHeads, newSinks);
    }

    /// Returns how many floats a query and a key have.
    public int headDim() {
        return size.keys();
    }

    /// Returns how many floats a value and a head's result have.
    public int valueDim() {
        return size.values();
    }

    /// Returns the first position that a query at `position` sees.
    public int firstVisible(int position) {
        return visible.first(position);
    }

    /// Returns the key and value head that a query head reads.
    public int keyHead(int head) {
        return tiledHeads ? head % numKvHeads : head / (numHeads / numKvHeads);
    }
}
