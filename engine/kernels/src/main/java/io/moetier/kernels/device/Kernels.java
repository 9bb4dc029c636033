package io.moetier.kernels.device;

import io.moetier.kernels.tensor.WeightMatrix;
import org.jspecify.annotations.Nullable;

/// The operations of a forward pass, one method each.
///
/// `n` counts tokens. Activations are float32, row-major `[n, cols]`, and start at element 0 of their buffer unless a
/// row says otherwise. An output must not overlap an input, except where a method says that it works in place.
///
/// Called by one thread at a time. Results do not depend on the number of threads; on the CPU, the result of a row
/// does not depend on the other rows of its batch either, bit for bit, so prefill and decode agree. Nothing is
/// allocated once buffers inside have grown to the largest `n` seen. A call may return before a device that is not
/// the CPU has finished; [Device#download] waits.
public interface Kernels {
    /// Writes row `tokens[from + i]` of the table to row `i` of `out` `[n, table.cols]`.
    void embed(WeightMatrix table, int[] tokens, int from, int n, DeviceBuffer out);

    /// Root mean square normalisation of each of `rows` rows: `x / sqrt(mean(x^2) + eps) * weight`.
    ///
    /// Per-head normalisation is the same operation with `rows = n * heads` and `cols = headDim`.
    ///
    /// @param weight `[cols]`
    /// @param out may be `x`
    void rmsNorm(DeviceBuffer x, int rows, int cols, float[] weight, float eps, DeviceBuffer out);

    /// Layer normalisation of each of `rows` rows: `(x - mean) / sqrt(variance + eps) * weight + bias`.
    ///
    /// @param weight `[cols]`; `bias` likewise, or null for none
    /// @param out may be `x`
    void layerNorm(
            DeviceBuffer x, int rows, int cols, float[] weight, float @Nullable [] bias, float eps, DeviceBuffer out);

    /// `out = x * transpose(w)` for rows 0 to `n`: `x` is `[n, w.cols]`, `out` is `[n, w.rows]`.
    default void matmul(WeightMatrix w, DeviceBuffer x, int n, DeviceBuffer out) {
        matmul(w, x, 0, n, out, 0);
    }

    /// `out = x * transpose(w)` for rows `xRow` to `xRow + n` of `x`, written to `out` from row `outRow` on.
    void matmul(WeightMatrix w, DeviceBuffer x, int xRow, int n, DeviceBuffer out, int outRow);

    /// Several matrices times the same rows: `outs[i] = x * transpose(ws[i])` for rows 0 to `n`.
    void matmul(WeightMatrix[] ws, DeviceBuffer x, int n, DeviceBuffer[] outs);

    /// A matrix for each head: head `h` of row `t` of `out` `[n, heads * rows]` becomes `ws[h]` times the first
    /// `ws[h].cols` floats of head `h` of row `t` of `x` `[n, heads * headDim]`. All matrices have one shape.
    void matmulPerHead(WeightMatrix[] ws, DeviceBuffer x, int n, int headDim, DeviceBuffer out);

    /// Row `outRows[i]` of `out` becomes `w` times row `rows[i]` of `x`, for `i` from `from` to `from + n - 1`.
    void matmulRows(WeightMatrix w, DeviceBuffer x, int[] rows, int from, int n, DeviceBuffer out, int[] outRows);

    /// Adds `bias` `[cols]` to each of `rows` rows of `x`.
    void addBias(DeviceBuffer x, int rows, int cols, float[] bias);

    /// Limits the first `length` elements of `x` to `-limit .. limit`.
    void clamp(DeviceBuffer x, int length, float limit);

    /// Copies the first `length` elements of `x` to `out`.
    void copy(DeviceBuffer x, int length, DeviceBuffer out);

    /// Copies row `rows[i]` of `x` to row `outRows[i]` of `out`, for the `n` values of `i` from `from` on; rows have
    /// `cols` floats.
    void copyRows(DeviceBuffer x, int[] rows, int[] outRows, int from, int n, int cols, DeviceBuffer out);

    /// Copies `rows` rows of `x` `[rows, cols]` to row `outRow` of `out` and on.
    void appendRows(DeviceBuffer x, int rows, int cols, DeviceBuffer out, int outRow);

    /// `x *= factor` for the first `length` elements.
    void scale(DeviceBuffer x, int length, float factor);

    /// Row `t * k + j` of `out` `[n * k, cols]` becomes row `t` of `x` `[n, cols]`, multiplied by `factors[t * k + j]`.
    ///
    /// @param out may be `x` if `k` is 1
    void scaleRows(DeviceBuffer x, float[] factors, int n, int k, int cols, DeviceBuffer out);

    /// `out = alpha * x + beta * y` for the first `length` elements; `out` may be one of them.
    void combine(DeviceBuffer x, float alpha, DeviceBuffer y, float beta, int length, DeviceBuffer out);

    /// `x += y` for the first `length` elements.
    void add(DeviceBuffer x, DeviceBuffer y, int length);

    /// Rotates each head of `x` `[n, heads * headDim]` in place; token `i` is at position `firstPosition + i`.
    ///
    /// Of each head, the elements from `from` on are rotated, as many as the table has angles for.
    void rope(DeviceBuffer x, int n, int heads, int headDim, int from, int firstPosition, RopeTable table);

    /// Stores keys and values `[n, numKvHeads * headDim]` at positions `firstPosition` and on.
    void storeKv(DeviceBuffer k, DeviceBuffer v, int n, int firstPosition, KvLayer cache);

    /// Causal attention of `q` `[n, numHeads * headDim]`, whose token `i` is at position `firstPosition + i`, over the
    /// cache, which already holds those positions; `out` is shaped as `q`.
    void attention(DeviceBuffer q, int n, int firstPosition, AttentionShape shape, KvLayer cache, DeviceBuffer out);

    /// Stores latents `[n, latentDim]` and rotated keys `[n, ropeDim]` at positions `firstPosition` and on.
    void storeLatents(DeviceBuffer latents, DeviceBuffer keys, int n, int firstPosition, LatentLayer cache);

    /// Causal multi-head latent attention (DeepSeek-V2, arXiv:2405.04434, section 2.1) over the cache, which
    /// already holds the positions of the `n` queries. The score of a head for a position is
    /// `scale * (absorbed . latent + rotated part of q . rotated key)`; the result is the weighted sum of the
    /// latents.
    ///
    /// @param absorbed `[n, numHeads * latentDim]`: the part of `q` that is not rotated, through the matrix
    ///     that makes keys of latents, transposed
    /// @param q `[n, numHeads * (nopeDim + ropeDim)]`, rotated
    /// @param out shaped as `absorbed`, and may be it
    void latentAttention(
            DeviceBuffer absorbed,
            DeviceBuffer q,
            int n,
            int firstPosition,
            LatentShape shape,
            LatentLayer cache,
            DeviceBuffer out);

    /// Attention of `q` `[n, numHeads * headDim]`, whose token `i` is at position `firstPosition + i`, over keys and
    /// values of their own rows; `out` is shaped as `q`.
    ///
    /// @param k `[numKeys, numHeads * headDim]`, of positions 0 and on; `v` likewise
    /// @param bias `[numHeads, 2 * biasReach + 1]`, what is added to the score of a key at each distance from the
    ///     query, from `-biasReach` on; null for nothing
    void sequenceAttention(
            DeviceBuffer q,
            int n,
            int firstPosition,
            DeviceBuffer k,
            DeviceBuffer v,
            int numKeys,
            SequenceShape shape,
            @Nullable DeviceBuffer bias,
            DeviceBuffer out);

    /// Chooses the experts of each token by falling weight, a tie going to the lower id; those of a
    /// [Routing.SparseMixer] come in the order of its choices.
    ///
    /// An id of -1 with weight 0 stands for a choice that sends the token to no expert.
    ///
    /// @param logits `[n, numExperts]`
    /// @param correction `[numExperts]`, what is added to each score for the choice only; null for nothing
    /// @param ids receives `[n, k]`; `weights` likewise
    void route(DeviceBuffer logits, int n, Routing routing, float @Nullable [] correction, int[] ids, float[] weights);

    /// Computes the maps of a router, the bias of each included, and then chooses, as [#route(DeviceBuffer, int,
    /// Routing, float\[\], int\[\], float\[\])] does by the logits of the first map. Waits for the choice.
    ///
    /// @param x `[n, cols]`
    /// @param outs `outs[i]` receives `[n, rows]` of the `i`-th map; there may be more of them than maps
    /// @param choices receives `[n, k]`
    default void route(RouterWeights router, DeviceBuffer x, int n, DeviceBuffer[] outs, ExpertChoices choices) {
        WeightMatrix[] matrices = router.matrices();
        matmul(matrices, x, n, outs);
        for (int i = 0; i < matrices.length; i++) {
            float @Nullable [] bias = router.biases()[i];
            if (bias != null) {
                addBias(outs[i], n, matrices[i].rows(), bias);
            }
        }
        route(outs[0], n, router.routing(), router.correction(), choices.ids(), choices.weights());
        choices.chosenOnHost();
    }

    /// Finds the `k` largest of the `n` elements of `x` from `from` on, and waits for them.
    ///
    /// @param k at most [Largest#MOST_OF_KERNELS]
    void largest(DeviceBuffer x, int from, int n, int k, Largest out);

    /// Several experts, each for rows of its own: row `outRows[i]` of `out` becomes what [ExpertWeights] says of row
    /// `rows[i]` of `x`. What an expert gives does not depend on the others of the batch.
    void expertFfn(ExpertBatch batch, DeviceBuffer x, DeviceBuffer out);

    /// Row `t` of `out` `[n, cols]` becomes the sum of `weights[t * k + j] * expertRows[t * k + j]`, always in the
    /// order `j = 0 .. k - 1`, so that it does not matter where the experts were nor which came first. A row of
    /// weight 0 is not read: nobody may have written it.
    void weightedSum(DeviceBuffer expertRows, float[] weights, int n, int k, int cols, DeviceBuffer out);

    /// As the other method of this name, with the weights of `choices` `[n, k]`.
    default void weightedSum(DeviceBuffer expertRows, ExpertChoices choices, int n, int k, int cols, DeviceBuffer out) {
        weightedSum(expertRows, choices.weights(), n, k, cols, out);
    }

    /// Row `t` of `out` `[rows, cols]` grows by `sigmoid(gateLogit[t]) * x[xRow + t]`, or by `x[xRow + t]` as it is
    /// where there are no gates.
    void addRows(DeviceBuffer x, int xRow, @Nullable DeviceBuffer gateLogit, int rows, int cols, DeviceBuffer out);

    /// Sets the first `length` elements of `x` to 0.
    void clear(DeviceBuffer x, int length);

    /// `x *= y` for the first `length` elements.
    void multiply(DeviceBuffer x, DeviceBuffer y, int length);

    /// Applies a function to each of the first `length` elements of `x`, in place.
    void activate(DeviceBuffer x, int length, Activation activation);

    /// Each of `rows` rows of `out` `[rows, cols]` grows by that of `x`, element by element times `factors` `[cols]`.
    void addScaled(DeviceBuffer x, int rows, int cols, float[] factors, DeviceBuffer out);

    /// Causal convolution of each column of `x` `[n, channels]` by itself, in place: an element becomes
    /// `bias + taps[0] * x[t - width + 1] + .. + taps[width - 1] * x[t]`.
    ///
    /// @param taps `[width, channels]`
    /// @param bias `[channels]`, or null for none
    /// @param state `[width, channels]`: the last tokens before these; afterwards the last of these
    void causalConvolution(
            DeviceBuffer x, int n, int channels, float[] taps, float @Nullable [] bias, DeviceBuffer state);

    /// The selective scan of a state space (Gu and Dao 2023, section 3.3), token after token: `h[s][i]`, which channel
    /// `i` of `channels` remembers, becomes `exp(-rates[s][i] * step[i]) * h[s][i] + step[i] * x[i] * b[s]`, and
    /// `out[i]` the sum of `c[s] * h[s][i]` over `s`.
    ///
    /// @param x `[n, channels]`; `step` and `out` likewise
    /// @param b `[n, stateSize]`; `c` likewise
    /// @param rates `[stateSize, channels]`
    /// @param state `h`, shaped as `rates`: after the tokens before these; afterwards after these
    void selectiveScan(
            DeviceBuffer x,
            DeviceBuffer step,
            DeviceBuffer b,
            DeviceBuffer c,
            int n,
            int channels,
            float[] rates,
            DeviceBuffer state,
            DeviceBuffer out);

    /// Attention without softmax, token after token. The state `S` of a value head becomes `exp(-rate * step) * S`, and
    /// then `S + outer(k, strength * v)` or, by the delta rule,
    /// `S + outer(k, strength * (v - transpose(S) * k))`; the head's result is `transpose(S) * q`.
    ///
    /// @param q `[n, numKeyHeads * keyDim]`; `k` likewise
    /// @param v `[n, numValueHeads * valueDim]`; `out` likewise
    /// @param step `[n, numValueHeads]`, or null where it is always 1; `strength` likewise
    /// @param rates `[numValueHeads]`
    /// @param state `[numValueHeads, keyDim, valueDim]`: after the tokens before these; afterwards after these
    void linearAttention(
            DeviceBuffer q,
            DeviceBuffer k,
            DeviceBuffer v,
            @Nullable DeviceBuffer step,
            @Nullable DeviceBuffer strength,
            float[] rates,
            int n,
            LinearAttentionShape shape,
            DeviceBuffer state,
            DeviceBuffer out);
}
