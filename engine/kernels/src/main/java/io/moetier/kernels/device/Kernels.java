package io.moetier.kernels.device;

import io.moetier.kernels.tensor.WeightMatrix;
import org.jspecify.annotations.Nullable;

/// The operations of a forward pass, one method each: what stands in front of every [Backend]. Each operation is
/// checked here, once for all backends: that the device is open and owns the buffers, that these hold what is read and
/// written, and that shapes suit each other. What does not fit is an [IllegalArgumentException] that names the numbers,
/// the same on every device. Nothing to compute, as no rows, is no error and reaches no backend.
///
/// `n` counts tokens. Activations are float32, row-major `[n, cols]`, and start at element 0 of their buffer unless a
/// row says otherwise. An output must not overlap an input, except where a method says that it works in place.
///
/// Called by one thread at a time. Results do not depend on the number of threads; on the CPU, the result of a row
/// does not depend on the other rows of its batch either, bit for bit, so prefill and decode agree. Nothing is
/// allocated once buffers inside have grown to the largest `n` seen. A call may return before a device that is not
/// the CPU has finished; [Device#download] waits.
public final class Kernels {
    private static final float[] NOTHING = {};

    private final Backend backend;

    /// Puts the checks in front of a backend.
    public Kernels(Backend backend) {
        this.backend = backend;
    }

    /// Writes row `tokens[from + i]` of the table to row `i` of `out` `[n, table.cols]`.
    public void embed(WeightMatrix table, int[] tokens, int from, int n, DeviceBuffer out) {
        backend.enter();
        Operands.requireRows(n, table.cols());
        Operands.requireTokens(tokens, from, n, table.rows());
        requireRoom(out, 0, (long) n * table.cols());
        if (n > 0) {
            backend.embed(table, tokens, from, n, out);
        }
    }

    /// Root mean square normalisation of each of `rows` rows: `x / sqrt(mean(x^2) + eps) * weight`.
    ///
    /// Per-head normalisation is the same operation with `rows = n * heads` and `cols = headDim`.
    ///
    /// @param weight `[cols]`
    /// @param out may be `x`
    public void rmsNorm(DeviceBuffer x, int rows, int cols, float[] weight, float eps, DeviceBuffer out) {
        backend.enter();
        Operands.requireRows(rows, cols);
        Operands.requireNorm(weight, null, cols);
        requireBoth(x, out, (long) rows * cols);
        if (rows > 0) {
            backend.rmsNorm(x, rows, cols, weight, eps, out);
        }
    }

    /// Layer normalisation of each of `rows` rows: `(x - mean) / sqrt(variance + eps) * weight + bias`.
    ///
    /// @param weight `[cols]`; `bias` likewise, or null for none
    /// @param out may be `x`
    public void layerNorm(
            DeviceBuffer x, int rows, int cols, float[] weight, float @Nullable [] bias, float eps, DeviceBuffer out) {
        backend.enter();
        Operands.requireRows(rows, cols);
        Operands.requireNorm(weight, bias, cols);
        requireBoth(x, out, (long) rows * cols);
        if (rows > 0) {
            backend.layerNorm(x, rows, cols, weight, bias, eps, out);
        }
    }

    /// `out = x * transpose(w)` for rows 0 to `n`: `x` is `[n, w.cols]`, `out` is `[n, w.rows]`.
    public void matmul(WeightMatrix w, DeviceBuffer x, int n, DeviceBuffer out) {
        matmul(w, x, 0, n, out, 0);
    }

    /// `out = x * transpose(w)` for rows `xRow` to `xRow + n` of `x`, written to `out` from row `outRow` on.
    public void matmul(WeightMatrix w, DeviceBuffer x, int xRow, int n, DeviceBuffer out, int outRow) {
        backend.enter();
        Operands.requireRows(n, w.cols());
        requireRoom(x, (long) xRow * w.cols(), (long) n * w.cols());
        requireRoom(out, (long) outRow * w.rows(), (long) n * w.rows());
        if (n > 0) {
            backend.matmul(w, x, xRow, n, out, outRow);
        }
    }

    /// Several matrices times the same rows: `outs[i] = x * transpose(ws[i])` for rows 0 to `n`.
    public void matmul(WeightMatrix[] ws, DeviceBuffer x, int n, DeviceBuffer[] outs) {
        backend.enter();
        requireMaps(ws, x, n, outs);
        if (n > 0) {
            backend.matmul(ws, x, n, outs);
        }
    }

    /// A matrix for each head: head `h` of row `t` of `out` `[n, heads * rows]` becomes `ws[h]` times the first
    /// `ws[h].cols` floats of head `h` of row `t` of `x` `[n, heads * headDim]`. All matrices have one shape.
    public void matmulPerHead(WeightMatrix[] ws, DeviceBuffer x, int n, int headDim, DeviceBuffer out) {
        backend.enter();
        Operands.requireRows(n, headDim);
        Operands.requirePerHead(ws, headDim);
        requireRoom(x, 0, (long) n * ws.length * headDim);
        requireRoom(out, 0, (long) n * ws.length * ws[0].rows());
        if (n > 0) {
            backend.matmulPerHead(ws, x, n, headDim, out);
        }
    }

    /// Row `outRows[i]` of `out` becomes `w` times row `rows[i]` of `x`, for `i` from `from` to `from + n - 1`.
    public void matmulRows(
            WeightMatrix w, DeviceBuffer x, int[] rows, int from, int n, DeviceBuffer out, int[] outRows) {
        backend.enter();
        Operands.requireRows(n, w.cols());
        requireRoom(x, 0, Operands.rowsOf(rows, from, n) * w.cols());
        requireRoom(out, 0, Operands.rowsOf(outRows, from, n) * w.rows());
        if (n > 0) {
            backend.matmulRows(w, x, rows, from, n, out, outRows);
        }
    }

    /// Adds `bias` `[cols]` to each of `rows` rows of `x`.
    public void addBias(DeviceBuffer x, int rows, int cols, float[] bias) {
        backend.enter();
        Operands.requireRows(rows, cols);
        Operands.requireColumns(bias, "biases", cols);
        requireRoom(x, 0, (long) rows * cols);
        if (rows > 0) {
            backend.addBias(x, rows, cols, bias);
        }
    }

    /// Limits the first `length` elements of `x` to `-limit .. limit`.
    public void clamp(DeviceBuffer x, int length, float limit) {
        backend.enter();
        requireRoom(x, 0, length);
        if (length > 0) {
            backend.clamp(x, length, limit);
        }
    }

    /// Copies the first `length` elements of `x` to `out`.
    public void copy(DeviceBuffer x, int length, DeviceBuffer out) {
        backend.enter();
        requireBoth(x, out, length);
        if (length > 0) {
            backend.copy(x, length, out, 0);
        }
    }

    /// Copies row `rows[i]` of `x` to row `outRows[i]` of `out`, for the `n` values of `i` from `from` on; rows have
    /// `cols` floats.
    public void copyRows(DeviceBuffer x, int[] rows, int[] outRows, int from, int n, int cols, DeviceBuffer out) {
        backend.enter();
        Operands.requireRows(n, cols);
        requireRoom(x, 0, Operands.rowsOf(rows, from, n) * cols);
        requireRoom(out, 0, Operands.rowsOf(outRows, from, n) * cols);
        if (n > 0) {
            backend.copyRows(x, rows, outRows, from, n, cols, out);
        }
    }

    /// Copies `rows` rows of `x` `[rows, cols]` to row `outRow` of `out` and on.
    public void appendRows(DeviceBuffer x, int rows, int cols, DeviceBuffer out, int outRow) {
        backend.enter();
        Operands.requireRows(rows, cols);
        requireRoom(x, 0, (long) rows * cols);
        requireRoom(out, (long) outRow * cols, (long) rows * cols);
        if (rows > 0) {
            backend.copy(x, rows * cols, out, outRow * cols);
        }
    }

    /// `x *= factor` for the first `length` elements.
    public void scale(DeviceBuffer x, int length, float factor) {
        backend.enter();
        requireRoom(x, 0, length);
        if (length > 0) {
            backend.scale(x, length, factor);
        }
    }

    /// Row `t * k + j` of `out` `[n * k, cols]` becomes row `t` of `x` `[n, cols]`, multiplied by `factors[t * k + j]`.
    ///
    /// @param out may be `x` if `k` is 1
    public void scaleRows(DeviceBuffer x, float[] factors, int n, int k, int cols, DeviceBuffer out) {
        backend.enter();
        Operands.requireRows(n, cols);
        Operands.requireFactors(factors, n, k);
        requireRoom(x, 0, (long) n * cols);
        requireRoom(out, 0, (long) n * k * cols);
        if (n > 0) {
            backend.scaleRows(x, factors, n, k, cols, out);
        }
    }

    /// `out = alpha * x + beta * y` for the first `length` elements; `out` may be one of them.
    public void combine(DeviceBuffer x, float alpha, DeviceBuffer y, float beta, int length, DeviceBuffer out) {
        backend.enter();
        requireRoom(x, 0, length);
        requireBoth(y, out, length);
        if (length > 0) {
            backend.combine(x, alpha, y, beta, length, out);
        }
    }

    /// `x += y` for the first `length` elements.
    public void add(DeviceBuffer x, DeviceBuffer y, int length) {
        backend.enter();
        requireBoth(x, y, length);
        if (length > 0) {
            backend.add(x, y, length);
        }
    }

    /// Rotates each head of `x` `[n, heads * headDim]` in place; token `i` is at position `firstPosition + i`.
    ///
    /// Of each head, the elements from `from` on are rotated, as many as the table has angles for.
    public void rope(DeviceBuffer x, int n, int heads, int headDim, int from, int firstPosition, RopeTable table) {
        backend.enter();
        Operands.requireRows(n, heads);
        Operands.requirePositions(firstPosition, n);
        Operands.requireRotation(table, headDim, from);
        requireRoom(x, 0, (long) n * heads * headDim);
        if (n > 0) {
            backend.rope(x, n, heads, headDim, from, firstPosition, table);
        }
    }

    /// Gives up what the device holds of a table that nobody rotates with any more.
    public void forget(RopeTable table) {
        backend.enter();
        backend.forget(table);
    }

    /// Stores keys `[n, numKvHeads * headDim]` and values `[n, numKvHeads * valueDim]` at `firstPosition` and the
    /// positions after it.
    public void storeKv(DeviceBuffer k, DeviceBuffer v, int n, int firstPosition, KvLayer cache) {
        backend.enter();
        Operands.requirePositions(firstPosition, n);
        requireRoom(k, 0, (long) n * cache.numKvHeads() * cache.headDim());
        requireRoom(v, 0, (long) n * cache.numKvHeads() * cache.valueDim());
        cache.reserve(firstPosition + n);
        if (n > 0) {
            backend.storeKv(k, v, n, firstPosition, cache);
        }
    }

    /// Causal attention of `q` `[n, numHeads * headDim]`, whose token `i` is at position `firstPosition + i`, over the
    /// cache, which already holds those positions; `out` is `[n, numHeads * valueDim]`.
    public void attention(
            DeviceBuffer q, int n, int firstPosition, AttentionShape shape, KvLayer cache, DeviceBuffer out) {
        attention(q, n, firstPosition, shape, cache, null, out);
    }

    /// The same over the chosen keys alone. Where a query reads every key it may see, the result is the same; on
    /// the CPU, bit for bit.
    ///
    /// @param choice of these queries; null for none, which reads all
    public void attention(
            DeviceBuffer q,
            int n,
            int firstPosition,
            AttentionShape shape,
            KvLayer cache,
            @Nullable KeyChoice choice,
            DeviceBuffer out) {
        backend.enter();
        Operands.requirePositions(firstPosition, n);
        Operands.requireSuits(cache, shape);
        requireAttention(cache.type(), shape.headDim(), shape.valueDim());
        requireRoom(q, 0, (long) n * shape.numHeads() * shape.headDim());
        requireRoom(out, 0, (long) n * shape.numHeads() * shape.valueDim());
        cache.requireStored(firstPosition + n);
        if (choice != null) {
            Operands.requireSuits(choice.shape(), shape);
            requireRoom(choice.blocks(), 0, (long) n * choice.shape().floats());
        }
        if (n > 0) {
            backend.attention(q, n, firstPosition, shape, cache, choice, out);
        }
    }

    /// Stores index keys `[n, dim]` at positions `firstPosition` and on.
    public void storeIndexKeys(DeviceBuffer keys, int n, int firstPosition, IndexLayer cache) {
        backend.enter();
        Operands.requirePositions(firstPosition, n);
        requireRoom(keys, 0, (long) n * cache.dim());
        cache.reserve(firstPosition + n);
        if (n > 0) {
            backend.storeIndexKeys(keys, n, firstPosition, cache);
        }
    }

    /// Chooses the keys that attention reads, by the scores that [IndexShape] says, over the cache, which already holds
    /// what the `n` queries see. Of equal scores the lower position is chosen.
    ///
    /// @param q `[n, numHeads * dim]`
    /// @param weights `[n, numHeads]` where all heads choose together; null where each does for itself
    /// @param out receives the choice
    public void chooseKeys(
            DeviceBuffer q,
            @Nullable DeviceBuffer weights,
            int n,
            int firstPosition,
            IndexShape shape,
            IndexLayer cache,
            DeviceBuffer out) {
        backend.enter();
        Operands.requirePositions(firstPosition, n);
        Operands.requireIndex(cache, shape, weights != null, firstPosition + n);
        if (!backend.supportsIndex(shape.dim())) {
            throw new IllegalArgumentException(
                    "the kernels of indexers have no room for keys of " + shape.dim() + " elements");
        }
        requireRoom(q, 0, (long) n * shape.numHeads() * shape.dim());
        requireRoom(out, 0, (long) n * shape.blocks().floats());
        if (weights != null) {
            requireRoom(weights, 0, (long) n * shape.numHeads());
        }
        cache.requireStored(shape.blocks().seen(firstPosition + n - 1));
        if (n > 0) {
            backend.chooseKeys(q, weights, n, firstPosition, shape, cache, out);
        }
    }

    /// Stores latents `[n, latentDim]` and rotated keys `[n, ropeDim]` at positions `firstPosition` and on.
    public void storeLatents(DeviceBuffer latents, DeviceBuffer keys, int n, int firstPosition, LatentLayer cache) {
        backend.enter();
        Operands.requirePositions(firstPosition, n);
        requireRoom(latents, 0, (long) n * cache.latentDim());
        requireRoom(keys, 0, (long) n * cache.ropeDim());
        cache.reserve(firstPosition + n);
        if (n > 0) {
            backend.storeLatents(latents, keys, n, firstPosition, cache);
        }
    }

    /// Causal multi-head latent attention (DeepSeek-V2, arXiv:2405.04434, section 2.1) over the cache, which
    /// already holds the positions of the `n` queries. The score of a head for a position is
    /// `scale * (absorbed . latent + rotated part of q . rotated key)`; the result is the weighted sum of the
    /// latents.
    ///
    /// @param absorbed `[n, numHeads * latentDim]`: the part of `q` that is not rotated, through the matrix
    ///     that makes keys of latents, transposed
    /// @param q `[n, numHeads * (nopeDim + ropeDim)]`, rotated
    /// @param out shaped as `absorbed`, and may be it
    public void latentAttention(
            DeviceBuffer absorbed,
            DeviceBuffer q,
            int n,
            int firstPosition,
            LatentShape shape,
            LatentLayer cache,
            DeviceBuffer out) {
        latentAttention(absorbed, q, n, firstPosition, shape, cache, null, out);
    }

    /// The same over the chosen positions alone (DeepSeek-V3.2). Where a query reads every position before it, the
    /// result is the same; on the CPU, bit for bit.
    ///
    /// @param choice of these queries, one for all heads; null for none, which reads all
    public void latentAttention(
            DeviceBuffer absorbed,
            DeviceBuffer q,
            int n,
            int firstPosition,
            LatentShape shape,
            LatentLayer cache,
            @Nullable KeyChoice choice,
            DeviceBuffer out) {
        backend.enter();
        Operands.requirePositions(firstPosition, n);
        Operands.requireSuits(cache, shape);
        requireAttention(cache.type(), shape.keyDim(), shape.latentDim());
        requireBoth(absorbed, out, (long) n * shape.numHeads() * shape.latentDim());
        requireRoom(q, 0, (long) n * shape.numHeads() * shape.queryDim());
        cache.requireStored(firstPosition + n);
        if (choice != null) {
            Operands.requireSuits(choice.shape(), shape);
            requireRoom(choice.blocks(), 0, (long) n * choice.shape().floats());
        }
        if (n > 0) {
            backend.latentAttention(absorbed, q, n, firstPosition, shape, cache, choice, out);
        }
    }

    /// Attention of `q` `[n, numHeads * headDim]`, whose token `i` is at position `firstPosition + i`, to the last
    /// positions and to compressed entries, as [CompressedShape] says; the caches hold both already.
    ///
    /// @param recent of positions; nothing follows their rows
    /// @param entries likewise of entries; null where there are none
    /// @param choice of the entries of these queries; null for none, which reads all
    /// @param out shaped as `q`
    public void compressedAttention(
            DeviceBuffer q,
            int n,
            int firstPosition,
            CompressedShape shape,
            LatentLayer recent,
            @Nullable LatentLayer entries,
            @Nullable KeyChoice choice,
            DeviceBuffer out) {
        backend.enter();
        Operands.requirePositions(firstPosition, n);
        Operands.requireSuits(recent, shape.rows());
        Operands.requireEntries(recent, entries, shape, choice);
        requireAttention(recent.type(), shape.headDim(), shape.headDim());
        requireBoth(q, out, (long) n * shape.numHeads() * shape.headDim());
        recent.requireStored(firstPosition + n);
        if (entries != null) {
            entries.requireStored(shape.entries(firstPosition + n - 1));
        }
        if (choice != null) {
            requireRoom(choice.blocks(), 0, (long) n * choice.shape().floats());
        }
        if (n > 0) {
            backend.compressedAttention(q, n, firstPosition, shape, recent, entries, choice, out);
        }
    }

    /// Makes entries of rows of positions, as [CompressedShape.Pooling] says. As many as are complete with these tokens
    /// become the first rows of `out`.
    ///
    /// @param values `[n, width]`, of positions `firstPosition` and on; `gates` likewise
    /// @param places `[rate, width]`, what is added to the gates of a position by its place in its entry
    /// @param state of the entries that have begun: after the tokens before these, at first zeros; afterwards after
    ///     these
    /// @param out `[entries, dim]`
    public void compress(
            DeviceBuffer values,
            DeviceBuffer gates,
            float[] places,
            int n,
            int firstPosition,
            CompressedShape.Pooling shape,
            DeviceBuffer state,
            DeviceBuffer out) {
        backend.enter();
        Operands.requirePositions(firstPosition, n);
        Operands.requireColumns(places, "floats of places", shape.rate() * shape.width());
        requireBoth(values, gates, (long) n * shape.width());
        requireRoom(state, 0, shape.state());
        int complete = shape.entries(firstPosition + n) - shape.entries(firstPosition);
        requireRoom(out, 0, (long) complete * shape.dim());
        if (n > 0) {
            backend.compress(values, gates, places, n, firstPosition, shape, state, out);
        }
    }

    /// Makes coefficients of `mixes` `[n, width]`, as [StreamShape] says.
    ///
    /// @param out `[n, width]`, may be `mixes`
    public void connect(DeviceBuffer mixes, int n, StreamShape shape, DeviceBuffer out) {
        backend.enter();
        Operands.requireRows(n, shape.width());
        requireBoth(mixes, out, (long) n * shape.width());
        if (n > 0) {
            backend.connect(mixes, n, shape, out);
        }
    }

    /// Row `t` of `out` `[n, cols]` becomes the sum of the streams `[n, streams, cols]` of the token by the first
    /// weights of its coefficients `[n, width]`.
    public void readStreams(
            DeviceBuffer streams, DeviceBuffer coefficients, int n, StreamShape shape, int cols, DeviceBuffer out) {
        backend.enter();
        Operands.requireRows(n, cols);
        requireRoom(streams, 0, (long) n * shape.streams() * cols);
        requireRoom(coefficients, 0, (long) n * shape.width());
        requireRoom(out, 0, (long) n * cols);
        if (n > 0) {
            backend.readStreams(streams, coefficients, n, shape, cols, out);
        }
    }

    /// Each of the streams `[n, streams, cols]` of a token becomes the sum of all of them by the matrix of its
    /// coefficients `[n, width]`, and of row `t` of `x` `[n, cols]` by the second weights.
    ///
    /// @throws IllegalArgumentException if nothing comes back
    public void writeStreams(
            DeviceBuffer x, DeviceBuffer coefficients, int n, StreamShape shape, int cols, DeviceBuffer streams) {
        backend.enter();
        Operands.requireRows(n, cols);
        Operands.requireWritten(shape);
        requireRoom(x, 0, (long) n * cols);
        requireRoom(coefficients, 0, (long) n * shape.width());
        requireRoom(streams, 0, (long) n * shape.streams() * cols);
        if (n > 0) {
            backend.writeStreams(x, coefficients, n, shape, cols, streams);
        }
    }

    /// Attention of `q` `[n, numHeads * headDim]`, whose token `i` is at position `firstPosition + i`, over keys and
    /// values of their own rows; `out` is shaped as `q`.
    ///
    /// @param k `[numKeys, numHeads * headDim]`, of positions 0 and on; `v` likewise
    /// @param bias `[numHeads, 2 * biasReach + 1]`, what is added to the score of a key at each distance from the
    ///     query, from `-biasReach` on; null for nothing
    public void sequenceAttention(
            DeviceBuffer q,
            int n,
            int firstPosition,
            DeviceBuffer k,
            DeviceBuffer v,
            int numKeys,
            SequenceShape shape,
            @Nullable DeviceBuffer bias,
            DeviceBuffer out) {
        backend.enter();
        Operands.requirePositions(firstPosition, n);
        Operands.requireRows(numKeys - 1, shape.headDim());
        requireAttention(KvType.F32, shape.headDim(), shape.headDim());
        long width = (long) shape.numHeads() * shape.headDim();
        requireBoth(q, out, n * width);
        requireBoth(k, v, numKeys * width);
        if (bias != null) {
            requireRoom(bias, 0, shape.numHeads() * (2L * shape.biasReach() + 1));
        }
        if (n > 0) {
            backend.sequenceAttention(q, n, firstPosition, k, v, numKeys, shape, bias, out);
        }
    }

    /// Attention of each of `n` rows of `q` `[n, numHeads * headDim]` to all of `k` and `v`, which are shaped
    /// likewise, as is `out`: as [#sequenceAttention] of a shape that is not causal, for as many rows as images
    /// have patches.
    public void mutualAttention(
            DeviceBuffer q, DeviceBuffer k, DeviceBuffer v, int n, SequenceShape shape, DeviceBuffer out) {
        backend.enter();
        Operands.requireRows(n, shape.headDim());
        Operands.requireMutual(shape);
        requireAttention(KvType.F32, shape.headDim(), shape.headDim());
        long floats = (long) n * shape.numHeads() * shape.headDim();
        requireBoth(q, out, floats);
        requireBoth(k, v, floats);
        if (n > 0) {
            backend.mutualAttention(q, k, v, n, shape, out);
        }
    }

    /// Chooses the experts of each token by falling weight, a tie going to the lower id; those of a
    /// [Routing.SparseMixer] come in the order of its choices.
    ///
    /// An id of -1 with weight 0 stands for a choice that sends the token to no expert.
    ///
    /// @param logits `[n, numExperts]`
    /// @param correction `[numExperts]`, what is added to each score for the choice only; null for nothing
    /// @param ids receives `[n, k]`; `weights` likewise
    public void route(
            DeviceBuffer logits, int n, Routing routing, float @Nullable [] correction, int[] ids, float[] weights) {
        backend.enter();
        Operands.requireRows(n, routing.numExperts());
        if (correction != null) {
            Operands.requireColumns(correction, "corrections", routing.numExperts());
        }
        Operands.requireChoices(Math.min(ids.length, weights.length), n, routing);
        requireRoom(logits, 0, (long) n * routing.numExperts());
        if (n > 0) {
            backend.route(logits, n, routing, correction, ids, weights);
        }
    }

    /// Weighs experts that were chosen before, by what the rule makes of their logits, and puts them in order as
    /// [#route(DeviceBuffer, int, Routing, float\[\], int\[\], float\[\])] does.
    ///
    /// @param logits `[n, numExperts]`
    /// @param ids `[n, k]`, each below the number of experts
    /// @param weights receives `[n, k]`
    public void weigh(DeviceBuffer logits, int n, Routing routing, int[] ids, float[] weights) {
        backend.enter();
        Operands.requireRows(n, routing.numExperts());
        Operands.requireChoices(Math.min(ids.length, weights.length), n, routing);
        Operands.requireChosen(ids, n, routing);
        requireRoom(logits, 0, (long) n * routing.numExperts());
        if (n > 0) {
            backend.weigh(logits, n, routing, ids, weights);
        }
    }

    /// Computes the maps of a router, the bias of each included, and then chooses, as [#route(DeviceBuffer, int,
    /// Routing, float\[\], int\[\], float\[\])] does by the logits of the first map. Waits for the choice.
    ///
    /// @param x `[n, cols]`
    /// @param outs `outs[i]` receives `[n, rows]` of the `i`-th map; there may be more of them than maps
    /// @param choices receives `[n, k]`
    public void route(RouterWeights router, DeviceBuffer x, int n, DeviceBuffer[] outs, ExpertChoices choices) {
        backend.enter();
        Routing routing = router.routing();
        requireMaps(router.matrices(), x, n, outs);
        Operands.requireChoices(choices.ids().length, n, routing);
        requireRoom(choices.room(), 0, 0);
        if (n > 0 && backend.supportsRouting(routing, n)) {
            backend.route(router, x, n, outs, choices);
        } else {
            routeByLogits(router, x, n, outs, choices);
        }
    }

    /// Finds the `k` largest of the `n` elements of `x` from `from` on, and waits for them.
    ///
    /// @param k at most [Largest#MOST_OF_KERNELS]
    public void largest(DeviceBuffer x, int from, int n, int k, Largest out) {
        backend.enter();
        Operands.requireFew(k);
        requireRoom(x, from, n);
        if (n > 0) {
            backend.largest(x, from, n, k, out);
        } else {
            out.find(NOTHING, 0, 0, k);
        }
    }

    /// Several experts, each for rows of its own: row `outRows[i]` of `out` becomes what [ExpertWeights] says of row
    /// `rows[i]` of `x`. What an expert gives does not depend on the others of the batch.
    public void expertFfn(ExpertBatch batch, DeviceBuffer x, DeviceBuffer out) {
        backend.enter();
        if (batch.size() > 0) {
            requireRoom(x, 0, (batch.largestRow() + 1L) * batch.get(0).up().cols());
            requireRoom(
                    out, 0, (batch.largestOutRow() + 1L) * batch.get(0).down().rows());
            backend.expertFfn(batch, x, out);
        }
    }

    /// Row `t` of `out` `[n, cols]` becomes the sum of `weights[t * k + j] * expertRows[t * k + j]`, always in the
    /// order `j = 0 .. k - 1`, so that it does not matter where the experts were nor which came first. A row of
    /// weight 0 is not read: nobody may have written it.
    public void weightedSum(DeviceBuffer expertRows, float[] weights, int n, int k, int cols, DeviceBuffer out) {
        backend.enter();
        Operands.requireFactors(weights, n, k);
        requireSum(expertRows, n, k, cols, out);
        if (n > 0) {
            backend.weightedSum(expertRows, weights, n, k, cols, out);
        }
    }

    /// As the other method of this name, with the weights of `choices` `[n, k]`.
    public void weightedSum(DeviceBuffer expertRows, ExpertChoices choices, int n, int k, int cols, DeviceBuffer out) {
        backend.enter();
        Operands.requireFactors(choices.weights(), n, k);
        requireSum(expertRows, n, k, cols, out);
        requireRoom(choices.room(), 0, 0);
        if (n > 0 && choices.isOnDevice()) {
            backend.weightedSum(expertRows, choices, n, k, cols, out);
        } else if (n > 0) {
            backend.weightedSum(expertRows, choices.weights(), n, k, cols, out);
        }
    }

    /// Row `t` of `out` `[rows, cols]` grows by `sigmoid(gateLogit[t]) * x[xRow + t]`, or by `x[xRow + t]` as it is
    /// where there are no gates.
    public void addRows(
            DeviceBuffer x, int xRow, @Nullable DeviceBuffer gateLogit, int rows, int cols, DeviceBuffer out) {
        backend.enter();
        Operands.requireRows(rows, cols);
        requireRoom(x, (long) xRow * cols, (long) rows * cols);
        requireRoom(out, 0, (long) rows * cols);
        if (gateLogit != null) {
            requireRoom(gateLogit, 0, rows);
        }
        if (rows > 0) {
            backend.addRows(x, xRow, gateLogit, rows, cols, out);
        }
    }

    /// Sets the first `length` elements of `x` to 0.
    public void clear(DeviceBuffer x, int length) {
        backend.enter();
        requireRoom(x, 0, length);
        if (length > 0) {
            backend.clear(x, length);
        }
    }

    /// `x *= y` for the first `length` elements.
    public void multiply(DeviceBuffer x, DeviceBuffer y, int length) {
        backend.enter();
        requireBoth(x, y, length);
        if (length > 0) {
            backend.multiply(x, y, length);
        }
    }

    /// Applies a function to each of the first `length` elements of `x`, in place.
    public void activate(DeviceBuffer x, int length, Activation activation) {
        backend.enter();
        requireRoom(x, 0, length);
        if (length > 0) {
            backend.activate(x, length, activation);
        }
    }

    /// Each of `rows` rows of `out` `[rows, cols]` grows by that of `x`, element by element times `factors` `[cols]`.
    public void addScaled(DeviceBuffer x, int rows, int cols, float[] factors, DeviceBuffer out) {
        backend.enter();
        Operands.requireRows(rows, cols);
        Operands.requireColumns(factors, "factors", cols);
        requireBoth(x, out, (long) rows * cols);
        if (rows > 0) {
            backend.addScaled(x, rows, cols, factors, out);
        }
    }

    /// Causal convolution of each column of `x` `[n, channels]` by itself, in place: an element becomes
    /// `bias + taps[0] * x[t - width + 1] + .. + taps[width - 1] * x[t]`.
    ///
    /// @param taps `[width, channels]`
    /// @param bias `[channels]`, or null for none
    /// @param state `[width, channels]`: the last tokens before these; afterwards the last of these
    public void causalConvolution(
            DeviceBuffer x, int n, int channels, float[] taps, float @Nullable [] bias, DeviceBuffer state) {
        backend.enter();
        Operands.requireRows(n, channels);
        Operands.requireConvolution(taps, bias, channels);
        requireRoom(x, 0, (long) n * channels);
        requireRoom(state, 0, taps.length);
        if (n > 0) {
            backend.causalConvolution(x, n, channels, taps, bias, state);
        }
    }

    /// The selective scan of a state space (Gu and Dao 2023, section 3.3), token after token: `h[s][i]`, which channel
    /// `i` of `channels` remembers, becomes `exp(-rates[s][i] * step[i]) * h[s][i] + step[i] * x[i] * b[s]`, and
    /// `out[i]` the sum of `c[s] * h[s][i]` over `s`.
    ///
    /// @param x `[n, channels]`; `step` and `out` likewise
    /// @param b `[n, stateSize]`; `c` likewise
    /// @param rates `[stateSize, channels]`
    /// @param state `h`, shaped as `rates`: after the tokens before these; afterwards after these
    public void selectiveScan(
            DeviceBuffer x,
            DeviceBuffer step,
            DeviceBuffer b,
            DeviceBuffer c,
            int n,
            int channels,
            float[] rates,
            DeviceBuffer state,
            DeviceBuffer out) {
        backend.enter();
        Operands.requireRows(n, channels);
        Operands.requireRates(rates, channels);
        requireBoth(x, step, (long) n * channels);
        requireBoth(b, c, (long) n * (rates.length / channels));
        requireRoom(state, 0, rates.length);
        requireRoom(out, 0, (long) n * channels);
        if (n > 0) {
            backend.selectiveScan(x, step, b, c, n, channels, rates, state, out);
        }
    }

    /// Attention without softmax, token after token. The state `S` of a value head becomes `exp(-rate * step) * S`, and
    /// then `S + outer(k, strength * v)` or, by the delta rule,
    /// `S + outer(k, strength * (v - transpose(S) * k))`; the head's result is `transpose(S) * q`. Where each
    /// element of a key has a step of its own, it is that of its row of `S`.
    ///
    /// @param q `[n, numKeyHeads * keyDim]`; `k` likewise
    /// @param v `[n, numValueHeads * valueDim]`; `out` likewise
    /// @param step `[n, numValueHeads, steps]`, or null where it is always 1
    /// @param strength `[n, numValueHeads]`, or null where it is always 1
    /// @param rates `[numValueHeads]`
    /// @param state `[numValueHeads, keyDim, valueDim]`: after the tokens before these; afterwards after these
    public void linearAttention(
            DeviceBuffer q,
            DeviceBuffer k,
            DeviceBuffer v,
            @Nullable DeviceBuffer step,
            @Nullable DeviceBuffer strength,
            float[] rates,
            int n,
            LinearAttentionShape shape,
            DeviceBuffer state,
            DeviceBuffer out) {
        backend.enter();
        Operands.requireRows(n, shape.keyDim());
        Operands.requireRates(rates, shape);
        requireBoth(q, k, (long) n * shape.numKeyHeads() * shape.keyDim());
        requireBoth(v, out, (long) n * shape.numValueHeads() * shape.valueDim());
        if (step != null) {
            requireRoom(step, 0, (long) n * shape.numValueHeads() * shape.steps());
        }
        if (strength != null) {
            requireRoom(strength, 0, (long) n * shape.numValueHeads());
        }
        requireRoom(state, 0, shape.stateSize());
        if (n > 0) {
            backend.linearAttention(q, k, v, step, strength, rates, n, shape, state, out);
        }
    }

    /// Wants the elements from `from` on, `length` of them, in a buffer of this device.
    ///
    /// @throws IllegalArgumentException if the buffer is another device's or has fewer
    public void requireRoom(DeviceBuffer buffer, long from, long length) {
        if (!backend.owns(buffer)) {
            throw new IllegalArgumentException("the buffer belongs to another device: " + buffer);
        }
        if (from < 0 || length < 0 || from > buffer.length() - length) {
            throw new IllegalArgumentException(Operands.tooSmall(buffer, from, length));
        }
    }

    /// Says whether a buffer is one of this device.
    public boolean owns(DeviceBuffer buffer) {
        return backend.owns(buffer);
    }

    /// Says whether the device attends with keys and values of so many elements; else it refuses to.
    public boolean supportsAttention(KvType type, int keyDim, int valueDim) {
        return backend.supportsAttention(type, keyDim, valueDim);
    }

    /// Says whether the device chooses by index keys of so many elements; else it refuses to.
    public boolean supportsIndex(int dim) {
        return backend.supportsIndex(dim);
    }

    private void requireBoth(DeviceBuffer x, DeviceBuffer y, long length) {
        requireRoom(x, 0, length);
        requireRoom(y, 0, length);
    }

    private void requireMaps(WeightMatrix[] ws, DeviceBuffer x, int n, DeviceBuffer[] outs) {
        Operands.requireAlike(ws, outs.length);
        Operands.requireRows(n, ws[0].cols());
        requireRoom(x, 0, (long) n * ws[0].cols());
        for (int i = 0; i < ws.length; i++) {
            requireRoom(outs[i], 0, (long) n * ws[i].rows());
        }
    }

    private void requireSum(DeviceBuffer expertRows, int n, int k, int cols, DeviceBuffer out) {
        Operands.requireRows(n, cols);
        requireRoom(expertRows, 0, (long) n * k * cols);
        requireRoom(out, 0, (long) n * cols);
    }

    private void requireAttention(KvType type, int keyDim, int valueDim) {
        if (!supportsAttention(type, keyDim, valueDim)) {
            throw new IllegalArgumentException("the attention kernels have no room for keys of " + keyDim
                    + " and values of " + valueDim + " elements");
        }
    }

    private void routeByLogits(
            RouterWeights router, DeviceBuffer x, int n, DeviceBuffer[] outs, ExpertChoices choices) {
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
}
