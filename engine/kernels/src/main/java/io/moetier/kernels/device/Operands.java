package io.moetier.kernels.device;

import io.moetier.kernels.tensor.WeightMatrix;
import org.jspecify.annotations.Nullable;

/// What [Kernels] asks of operands beside the lengths of buffers. Each method throws an [IllegalArgumentException] if
/// they do not suit each other.
final class Operands {
    private static final int HEAD_GRAIN = 4;

    private Operands() {}

    /// Wants a weight, and a bias if there are any, for each column.
    static void requireNorm(float[] weight, float @Nullable [] bias, int cols) {
        if (weight.length != cols || (bias != null && bias.length != cols)) {
            throw new IllegalArgumentException("a norm of " + cols + " columns has " + weight.length + " weights"
                    + (bias == null ? "" : " and " + bias.length + " biases"));
        }
    }

    /// Wants a value for each column; `what` names them.
    static void requireColumns(float[] values, String what, int cols) {
        if (values.length != cols) {
            throw new IllegalArgumentException(values.length + " " + what + " for " + cols + " columns");
        }
    }

    /// Wants no negative number of rows, and rows of at least one float.
    static void requireRows(int rows, int cols) {
        if (rows < 0 || cols < 1) {
            throw new IllegalArgumentException(rows + " rows of " + cols + " floats");
        }
    }

    /// Wants positions that can be counted.
    static void requirePositions(int first, int n) {
        if (first < 0 || n < 0 || first > Integer.MAX_VALUE - n) {
            throw new IllegalArgumentException(n + " tokens from position " + first + " on");
        }
    }

    /// Wants tokens that a table has.
    static void requireTokens(int[] tokens, int from, int n, int rows) {
        requireList(tokens, from, n);
        for (int i = from; i < from + n; i++) {
            if (tokens[i] < 0 || tokens[i] >= rows) {
                throw new IllegalArgumentException("token " + tokens[i] + " of a table of " + rows + " rows");
            }
        }
    }

    /// Returns how many rows there must be at least, for a list to name some of them.
    static long rowsOf(int[] rows, int from, int n) {
        requireList(rows, from, n);
        int largest = -1;
        for (int i = from; i < from + n; i++) {
            if (rows[i] < 0) {
                throw new IllegalArgumentException("there is no row " + rows[i]);
            }
            largest = Math.max(largest, rows[i]);
        }
        return largest + 1L;
    }

    private static void requireList(int[] list, int from, int n) {
        if (from < 0 || n < 0 || n > list.length - from) {
            throw new IllegalArgumentException(n + " numbers from number " + from + " on, of a list of " + list.length);
        }
    }

    /// Says what a buffer lacks.
    static String tooSmall(DeviceBuffer buffer, long from, long length) {
        return from < 0 || length < 0
                ? "there are no " + length + " floats from number " + from + " on"
                : "the buffer holds " + buffer.length() + " floats, but " + (from + length) + " are needed";
    }

    /// Wants a factor for each of `k` rows of `n` tokens.
    static void requireFactors(float[] factors, int n, int k) {
        if (k < 1 || factors.length < (long) n * k) {
            throw new IllegalArgumentException(
                    n + " tokens with " + k + " rows each have " + factors.length + " factors");
        }
    }

    /// Wants room for the choices of `n` tokens.
    static void requireChoices(int room, int n, Routing routing) {
        if (room < (long) n * routing.numExpertsPerToken()) {
            throw new IllegalArgumentException(
                    n + " tokens choose " + routing.numExpertsPerToken() + " experts each, with room for " + room);
        }
    }

    /// Wants no more of the largest than kernels find.
    static void requireFew(int k) {
        if (k < 1 || k > Largest.MOST_OF_KERNELS) {
            throw new IllegalArgumentException(
                    "the " + k + " largest, where 1 to " + Largest.MOST_OF_KERNELS + " can be found");
        }
    }

    /// Wants matrices for the same input, and an output for each.
    static void requireAlike(WeightMatrix[] ws, int numOuts) {
        if (ws.length == 0 || numOuts < ws.length) {
            throw new IllegalArgumentException(ws.length + " matrices with " + numOuts + " outputs");
        }
        for (int i = 0; i < ws.length; i++) {
            if (ws[i].cols() != ws[0].cols()) {
                throw new IllegalArgumentException("matrix " + i + ", " + ws[i].rows() + " x " + ws[i].cols()
                        + ", beside one of " + ws[0].rows() + " x " + ws[0].cols());
            }
        }
    }

    /// Wants matrices of one shape that is no wider than a head, and heads that start where quantised weights are
    /// multiplied by four floats at a time.
    static void requirePerHead(WeightMatrix[] ws, int headDim) {
        if (ws.length == 0) {
            throw new IllegalArgumentException("no head has a matrix");
        }
        int rows = ws[0].rows();
        int cols = ws[0].cols();
        for (WeightMatrix w : ws) {
            if (w.rows() != rows || w.cols() != cols || cols > headDim) {
                throw new IllegalArgumentException("a matrix of " + w.rows() + " x " + w.cols() + " beside one of "
                        + rows + " x " + cols + ", for heads of " + headDim + " floats");
            }
            if (w.dtype().blockElements() > 1 && headDim % HEAD_GRAIN != 0) {
                throw new IllegalArgumentException("heads of " + headDim + " floats, where weights of "
                        + w.dtype().label() + " need a multiple of " + HEAD_GRAIN);
            }
        }
    }

    /// Wants heads that have all that is rotated.
    static void requireRotation(RopeTable table, int headDim, int from) {
        if (from < 0 || table.rotaryDim() > headDim - from) {
            throw new IllegalArgumentException("heads of " + headDim + " floats have no " + table.rotaryDim()
                    + " to rotate from number " + from + " on");
        }
    }

    /// Wants attention in which every row sees every other alike.
    static void requireMutual(SequenceShape shape) {
        if (shape.causal() || shape.biasReach() != 0) {
            throw new IllegalArgumentException("mutual attention has no order and no biases, unlike " + shape);
        }
    }

    /// Wants a cache of the heads that are attended to.
    static void requireSuits(KvLayer cache, AttentionShape shape) {
        if (shape.numKvHeads() != cache.numKvHeads()
                || shape.headDim() != cache.headDim()
                || shape.valueDim() != cache.valueDim()) {
            throw new IllegalArgumentException("a cache of " + cache.numKvHeads() + " heads of " + cache.headDim()
                    + " and " + cache.valueDim() + " floats does not suit " + shape);
        }
    }

    /// Wants a cache of the latents that are attended to.
    static void requireSuits(LatentLayer cache, LatentShape shape) {
        if (shape.latentDim() != cache.latentDim() || shape.ropeDim() != cache.ropeDim()) {
            throw new IllegalArgumentException("a cache of latents of " + cache.latentDim() + " and keys of "
                    + cache.ropeDim() + " floats does not suit " + shape);
        }
    }

    /// Wants a choice for each key head or for all, where queries see all keys before them.
    static void requireSuits(KeyBlocks chosen, AttentionShape shape) {
        boolean ofHeads = chosen.numHeads() == 1 || chosen.numHeads() == shape.numKvHeads();
        if (!ofHeads || shape.visible().slidingWindow() > 0 || shape.visible().chunk() > 0) {
            throw new IllegalArgumentException(chosen + " do not suit " + shape);
        }
    }

    /// Wants one choice for all heads.
    static void requireSuits(KeyBlocks chosen, LatentShape shape) {
        if (chosen.numHeads() != 1) {
            throw new IllegalArgumentException(chosen + " do not suit " + shape);
        }
    }

    /// Wants entries where there are any, stored as positions are, and a choice that counts them.
    static void requireEntries(
            LatentLayer recent, @Nullable LatentLayer entries, CompressedShape shape, @Nullable KeyChoice choice) {
        boolean alike = entries == null
                ? shape.rate() == 0
                : shape.rate() > 0
                        && entries.type() == recent.type()
                        && entries.latentDim() == recent.latentDim()
                        && entries.ropeDim() == recent.ropeDim();
        boolean counted = choice == null
                || (entries != null
                        && choice.shape().rate() == shape.rate()
                        && choice.shape().length() == 1
                        && choice.shape().numHeads() == 1);
        if (!alike || !counted) {
            throw new IllegalArgumentException(
                    (alike ? "the choice of entries does not suit " : "entries do not suit ") + shape);
        }
    }

    /// Wants streams that something comes back into.
    static void requireWritten(StreamShape shape) {
        if (!shape.writes()) {
            throw new IllegalArgumentException(shape.streams() + " streams that nothing comes back into");
        }
    }

    /// Wants choices of experts that there are, by a rule that gives each a score of its own.
    static void requireChosen(int[] ids, int n, Routing routing) {
        if (routing.score() instanceof Routing.SparseMixer) {
            throw new IllegalArgumentException("experts that sparsemixer has not chosen itself have no score");
        }
        for (int i = 0; i < n * routing.numExpertsPerToken(); i++) {
            if (ids[i] < 0 || ids[i] >= routing.numExperts()) {
                throw new IllegalArgumentException("expert " + ids[i] + " of " + routing.numExperts());
            }
        }
    }

    /// Wants index keys of the length of the queries, weights where they are summed, and positions that can be told.
    static void requireIndex(IndexLayer cache, IndexShape shape, boolean weighted, int positions) {
        if (cache.dim() != shape.dim()) {
            throw new IllegalArgumentException(
                    "a cache of index keys of " + cache.dim() + " floats does not suit " + shape);
        }
        if (weighted != shape.isWeighted()) {
            throw new IllegalArgumentException((weighted ? "weights for " : "no weights for ") + shape);
        }
        if (positions > KeyChoice.MOST_POSITIONS) {
            throw new IllegalArgumentException(
                    "keys are chosen of at most " + KeyChoice.MOST_POSITIONS + " positions, not of " + positions);
        }
    }

    /// Wants as many taps for each channel, and a bias if there are any.
    static void requireConvolution(float[] taps, float @Nullable [] bias, int channels) {
        if (taps.length == 0 || taps.length % channels != 0 || (bias != null && bias.length != channels)) {
            throw new IllegalArgumentException("a convolution of " + channels + " channels has " + taps.length + " taps"
                    + (bias == null ? "" : " and " + bias.length + " biases"));
        }
    }

    /// Wants as many rates for each channel.
    static void requireRates(float[] rates, int channels) {
        if (rates.length == 0 || rates.length % channels != 0) {
            throw new IllegalArgumentException(rates.length + " rates for " + channels + " channels");
        }
    }

    /// Wants a rate for each head.
    static void requireRates(float[] rates, LinearAttentionShape shape) {
        if (rates.length != shape.numValueHeads()) {
            throw new IllegalArgumentException(rates.length + " rates do not suit " + shape);
        }
    }
}
