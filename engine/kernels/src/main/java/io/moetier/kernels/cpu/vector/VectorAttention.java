package io.moetier.kernels.cpu.vector;

import static io.moetier.kernels.cpu.arithmetic.AttentionBlock.KEYS;
import static io.moetier.kernels.cpu.arithmetic.Lanes.F;
import static io.moetier.kernels.cpu.arithmetic.Lanes.WIDTH;
import static io.moetier.kernels.device.KvLayer.TILE_KEYS;
import static jdk.incubator.vector.VectorOperators.MAX;

import io.moetier.kernels.cpu.arithmetic.AttentionBlock;
import io.moetier.kernels.cpu.arithmetic.Lanes;
import io.moetier.kernels.cpu.arithmetic.Scratch;
import io.moetier.kernels.device.AttentionShape;
import io.moetier.kernels.device.KvLayer;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/// Attention of queries that share a key head, over sixty-four keys at a time: scores with a lane for each key, a
/// softmax whose largest score and sum are carried along, and the weighted sum of the values with a lane for each
/// dimension.
///
/// Keys and values are decoded once for all queries. Yet a query's result does not depend on the others: a score, and
/// an element of the result, is one chain of additions in the order of dimensions or positions, and sums are rescaled
/// at multiples of sixty-four positions. What a query does not see takes part in none of its sums.
///
/// The running softmax: Milakov and Gimelshein, arXiv:1805.02867; Dao et al., arXiv:2205.14135. Measured by
/// `AttentionBenchmark`.
final class VectorAttention {
    /// Queries whose sums, two vectors each, fit into registers.
    private static final int TOGETHER = 4;

    private VectorAttention() {}

    /// As [io.moetier.kernels.cpu.arithmetic.Arithmetic#attend].
    static void attend(
            float[] q,
            int at,
            int rows,
            int heads,
            int position,
            AttentionShape shape,
            KvLayer cache,
            int kvHead,
            float[] out,
            Scratch scratch) {
        AttentionBlock block = scratch.attention;
        block.begin(q, at, rows, heads, position, shape);
        int start = shape.firstVisible(position) / KEYS * KEYS;
        for (int from = start; from < position + rows; from += KEYS) {
            block.readKeys(from, shape, cache, kvHead);
            scores(block);
            for (int query = 0; query < block.queries; query++) {
                if (block.first[query] < block.end[query]) {
                    softmax(block, query, scratch.lanes);
                }
            }
            block.readValues(from, cache, kvHead);
            addValues(block);
        }
        block.finish(out, at);
    }

    private static void scores(AttentionBlock block) {
        int query = 0;
        for (; query <= block.queries - TOGETHER; query += TOGETHER) {
            for (int key = 0; key < KEYS; key += 2 * WIDTH) {
                scoresOfFour(
                        block.decoded,
                        keyAt(key, block.headDim),
                        keyAt(key + WIDTH, block.headDim),
                        block.q,
                        query * block.headDim,
                        block.headDim,
                        block.scale,
                        block.scores,
                        query * KEYS + key);
            }
        }
        for (; query < block.queries; query++) {
            for (int key = 0; key < KEYS; key += 4 * WIDTH) {
                scoresOfOne(
                        block.decoded,
                        key,
                        block.q,
                        query * block.headDim,
                        block.headDim,
                        block.scale,
                        block.scores,
                        query * KEYS + key);
            }
        }
    }

    /// Returns where element 0 of a key is.
    private static int keyAt(int key, int headDim) {
        return key / TILE_KEYS * TILE_KEYS * headDim + key % TILE_KEYS;
    }

    private static void scoresOfFour(
            float[] keys, int left, int right, float[] q, int at, int headDim, float scale, float[] scores, int to) {
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0, a3 = a0;
        FloatVector b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        for (int d = 0; d < headDim; d++) {
            FloatVector a = FloatVector.fromArray(F, keys, left + d * TILE_KEYS);
            FloatVector b = FloatVector.fromArray(F, keys, right + d * TILE_KEYS);
            FloatVector e = FloatVector.broadcast(F, q[at + d]);
            a0 = a.fma(e, a0);
            b0 = b.fma(e, b0);
            e = FloatVector.broadcast(F, q[at + headDim + d]);
            a1 = a.fma(e, a1);
            b1 = b.fma(e, b1);
            e = FloatVector.broadcast(F, q[at + 2 * headDim + d]);
            a2 = a.fma(e, a2);
            b2 = b.fma(e, b2);
            e = FloatVector.broadcast(F, q[at + 3 * headDim + d]);
            a3 = a.fma(e, a3);
            b3 = b.fma(e, b3);
        }
        a0.mul(scale).intoArray(scores, to);
        b0.mul(scale).intoArray(scores, to + WIDTH);
        a1.mul(scale).intoArray(scores, to + KEYS);
        b1.mul(scale).intoArray(scores, to + KEYS + WIDTH);
        a2.mul(scale).intoArray(scores, to + 2 * KEYS);
        b2.mul(scale).intoArray(scores, to + 2 * KEYS + WIDTH);
        a3.mul(scale).intoArray(scores, to + 3 * KEYS);
        b3.mul(scale).intoArray(scores, to + 3 * KEYS + WIDTH);
    }

    private static void scoresOfOne(
            float[] keys, int key, float[] q, int at, int headDim, float scale, float[] scores, int to) {
        int first = keyAt(key, headDim);
        int second = keyAt(key + WIDTH, headDim);
        int third = keyAt(key + 2 * WIDTH, headDim);
        int fourth = keyAt(key + 3 * WIDTH, headDim);
        FloatVector a = FloatVector.zero(F), b = a, c = a, e = a;
        for (int d = 0; d < headDim; d++) {
            FloatVector x = FloatVector.broadcast(F, q[at + d]);
            a = FloatVector.fromArray(F, keys, first + d * TILE_KEYS).fma(x, a);
            b = FloatVector.fromArray(F, keys, second + d * TILE_KEYS).fma(x, b);
            c = FloatVector.fromArray(F, keys, third + d * TILE_KEYS).fma(x, c);
            e = FloatVector.fromArray(F, keys, fourth + d * TILE_KEYS).fma(x, e);
        }
        a.mul(scale).intoArray(scores, to);
        b.mul(scale).intoArray(scores, to + WIDTH);
        c.mul(scale).intoArray(scores, to + 2 * WIDTH);
        e.mul(scale).intoArray(scores, to + 3 * WIDTH);
    }

    /// Turns the scores of a query into weights relative to the largest score so far, and what it has into the same.
    private static void softmax(AttentionBlock block, int query, float[] lanes) {
        float[] scores = block.scores;
        int at = query * KEYS;
        Arrays.fill(scores, at, at + block.first[query], Float.NEGATIVE_INFINITY);
        Arrays.fill(scores, at + block.end[query], at + KEYS, Float.NEGATIVE_INFINITY);
        float before = block.largest[query];
        float largest = Math.max(before, largest(scores, at));
        float factor = Lanes.exp(before - largest);
        block.largest[query] = largest;
        Lanes.exp(scores, at, KEYS, 1f, -largest, scores, at);
        sum(scores, at, lanes);
        block.total[query] = block.total[query] * factor + Lanes.sum(lanes);
        if (factor != 1f) {
            scale(block.sums, query * block.width, block.width, factor);
        }
    }

    private static float largest(float[] scores, int at) {
        FloatVector a = FloatVector.fromArray(F, scores, at);
        for (int i = at + WIDTH; i < at + KEYS; i += WIDTH) {
            a = a.max(FloatVector.fromArray(F, scores, i));
        }
        return a.reduceLanes(MAX);
    }

    private static void sum(float[] weights, int at, float[] lanes) {
        FloatVector a = FloatVector.fromArray(F, weights, at);
        for (int i = at + WIDTH; i < at + KEYS; i += WIDTH) {
            a = a.add(FloatVector.fromArray(F, weights, i));
        }
        a.intoArray(lanes, 0);
    }

    private static void scale(float[] x, int at, int length, float factor) {
        for (int i = at; i < at + length; i++) {
            x[i] *= factor;
        }
    }

    private static void addValues(AttentionBlock block) {
        int query = 0;
        for (; query <= block.queries - TOGETHER; query += TOGETHER) {
            addValuesOfFour(block, query);
        }
        for (; query < block.queries; query++) {
            addValues(block, query, block.first[query], block.end[query]);
        }
    }

    /// Adds what all four see together, and before and after it what only some see: later queries see later keys.
    private static void addValuesOfFour(AttentionBlock block, int query) {
        int last = query + TOGETHER - 1;
        int from = block.first[last];
        int to = Math.max(from, block.end[query]);
        for (int i = query; i <= last; i++) {
            addValues(block, i, block.first[i], Math.min(from, block.end[i]));
        }
        for (int d = 0; from < to && d < block.width; d += 2 * WIDTH) {
            valuesOfFour(
                    block.decoded,
                    d,
                    block.width,
                    from,
                    to,
                    block.scores,
                    query * KEYS,
                    block.sums,
                    query * block.width + d);
        }
        for (int i = query; i <= last; i++) {
            addValues(block, i, Math.max(to, block.first[i]), block.end[i]);
        }
    }

    private static void valuesOfFour(
            float[] values,
            int at,
            int width,
            int from,
            int to,
            float[] weights,
            int weightsAt,
            float[] sums,
            int sumsAt) {
        FloatVector a0 = FloatVector.fromArray(F, sums, sumsAt);
        FloatVector b0 = FloatVector.fromArray(F, sums, sumsAt + WIDTH);
        FloatVector a1 = FloatVector.fromArray(F, sums, sumsAt + width);
        FloatVector b1 = FloatVector.fromArray(F, sums, sumsAt + width + WIDTH);
        FloatVector a2 = FloatVector.fromArray(F, sums, sumsAt + 2 * width);
        FloatVector b2 = FloatVector.fromArray(F, sums, sumsAt + 2 * width + WIDTH);
        FloatVector a3 = FloatVector.fromArray(F, sums, sumsAt + 3 * width);
        FloatVector b3 = FloatVector.fromArray(F, sums, sumsAt + 3 * width + WIDTH);
        for (int key = from; key < to; key++) {
            FloatVector a = FloatVector.fromArray(F, values, key * width + at);
            FloatVector b = FloatVector.fromArray(F, values, key * width + at + WIDTH);
            FloatVector w = FloatVector.broadcast(F, weights[weightsAt + key]);
            a0 = a.fma(w, a0);
            b0 = b.fma(w, b0);
            w = FloatVector.broadcast(F, weights[weightsAt + KEYS + key]);
            a1 = a.fma(w, a1);
            b1 = b.fma(w, b1);
            w = FloatVector.broadcast(F, weights[weightsAt + 2 * KEYS + key]);
            a2 = a.fma(w, a2);
            b2 = b.fma(w, b2);
            w = FloatVector.broadcast(F, weights[weightsAt + 3 * KEYS + key]);
            a3 = a.fma(w, a3);
            b3 = b.fma(w, b3);
        }
        a0.intoArray(sums, sumsAt);
        b0.intoArray(sums, sumsAt + WIDTH);
        a1.intoArray(sums, sumsAt + width);
        b1.intoArray(sums, sumsAt + width + WIDTH);
        a2.intoArray(sums, sumsAt + 2 * width);
        b2.intoArray(sums, sumsAt + 2 * width + WIDTH);
        a3.intoArray(sums, sumsAt + 3 * width);
        b3.intoArray(sums, sumsAt + 3 * width + WIDTH);
    }

    private static void addValues(AttentionBlock block, int query, int from, int to) {
        int width = block.width;
        int d = 0;
        for (; from < to && d <= width - 4 * WIDTH; d += 4 * WIDTH) {
            fourVectors(block.decoded, d, width, from, to, block.scores, query * KEYS, block.sums, query * width + d);
        }
        if (from < to && d < width) {
            twoVectors(block.decoded, d, width, from, to, block.scores, query * KEYS, block.sums, query * width + d);
        }
    }

    private static void fourVectors(
            float[] values,
            int at,
            int width,
            int from,
            int to,
            float[] weights,
            int weightsAt,
            float[] sums,
            int sumsAt) {
        FloatVector a = FloatVector.fromArray(F, sums, sumsAt);
        FloatVector b = FloatVector.fromArray(F, sums, sumsAt + WIDTH);
        FloatVector c = FloatVector.fromArray(F, sums, sumsAt + 2 * WIDTH);
        FloatVector e = FloatVector.fromArray(F, sums, sumsAt + 3 * WIDTH);
        for (int key = from; key < to; key++) {
            int row = key * width + at;
            FloatVector w = FloatVector.broadcast(F, weights[weightsAt + key]);
            a = FloatVector.fromArray(F, values, row).fma(w, a);
            b = FloatVector.fromArray(F, values, row + WIDTH).fma(w, b);
            c = FloatVector.fromArray(F, values, row + 2 * WIDTH).fma(w, c);
            e = FloatVector.fromArray(F, values, row + 3 * WIDTH).fma(w, e);
        }
        a.intoArray(sums, sumsAt);
        b.intoArray(sums, sumsAt + WIDTH);
        c.intoArray(sums, sumsAt + 2 * WIDTH);
        e.intoArray(sums, sumsAt + 3 * WIDTH);
    }

    private static void twoVectors(
            float[] values,
            int at,
            int width,
            int from,
            int to,
            float[] weights,
            int weightsAt,
            float[] sums,
            int sumsAt) {
        FloatVector a = FloatVector.fromArray(F, sums, sumsAt);
        FloatVector b = FloatVector.fromArray(F, sums, sumsAt + WIDTH);
        for (int key = from; key < to; key++) {
            int row = key * width + at;
            FloatVector w = FloatVector.broadcast(F, weights[weightsAt + key]);
            a = FloatVector.fromArray(F, values, row).fma(w, a);
            b = FloatVector.fromArray(F, values, row + WIDTH).fma(w, b);
        }
        a.intoArray(sums, sumsAt);
        b.intoArray(sums, sumsAt + WIDTH);
    }
}
