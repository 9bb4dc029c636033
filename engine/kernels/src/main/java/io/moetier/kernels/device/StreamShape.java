package io.moetier.kernels.device;

/// How several residual streams of a token become one input, and how a result comes back into them: hyper-connections
/// (Zhu et al. 2024, arXiv:2409.19606), with streams mixed by a doubly stochastic matrix (Xie et al. 2025, mHC,
/// arXiv:2512.24880).
///
/// For `s` streams, a linear map gives `mixes`, which become coefficients: `s` weights of the streams in the input,
/// `sigmoid(m * scales[0] + base) + epsilon`; `s` weights of the result, `2 * sigmoid(m * scales[1] + base)`; and an
/// `s` by `s` matrix `C` whose entry `[i][j]` is what stream `i` gives to stream `j`: the softmax of each row of
/// `m * scales[2] + base`, plus `epsilon`, whose columns and rows are divided by their sums in turns, columns first and
/// last (Sinkhorn and Knopp 1967).
///
/// @param streams how many there are
/// @param epsilon added to weights, and to what is divided by
/// @param iterations how often columns are divided; 0 where nothing comes back, so that there are only the first
///     weights
/// @param scales of the three parts, or of the first
/// @param bases `[width]`
@SuppressWarnings("ArrayRecordComponent") // nobody compares them
public record StreamShape(int streams, float epsilon, int iterations, float[] scales, float[] bases) {
    /// The most streams that kernels mix.
    public static final int MOST_STREAMS = 8;

    /// @throws IllegalArgumentException if a number is out of range, or there are not as many scales and bases
    public StreamShape {
        if (streams < 1 || streams > MOST_STREAMS || iterations < 0) {
            throw new IllegalArgumentException(
                    streams + " streams, where 1 to " + MOST_STREAMS + " can be mixed, " + iterations + " times");
        }
        int width = width(streams, iterations > 0);
        if (scales.length != (iterations > 0 ? 3 : 1) || bases.length != width) {
            throw new IllegalArgumentException(scales.length + " scales and " + bases.length + " bases for " + width
                    + " coefficients of " + streams + " streams");
        }
    }

    /// Returns how many coefficients a token has.
    ///
    /// @param writes whether something comes back
    public static int width(int streams, boolean writes) {
        return writes ? (2 + streams) * streams : streams;
    }

    /// Returns how many coefficients a token has.
    public int width() {
        return width(streams, writes());
    }

    /// Says whether a result comes back into the streams.
    public boolean writes() {
        return iterations > 0;
    }
}
