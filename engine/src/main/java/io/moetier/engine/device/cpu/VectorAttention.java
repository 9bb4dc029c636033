package io.moetier.engine.device.cpu;

import static io.moetier.engine.device.KvLayer.CHUNK_POSITIONS;
import static io.moetier.engine.device.KvLayer.TILE_KEYS;
import static io.moetier.engine.device.cpu.Lanes.F;
import static io.moetier.engine.device.cpu.Lanes.LITTLE;
import static io.moetier.engine.device.cpu.Lanes.WIDTH;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static jdk.incubator.vector.VectorOperators.MAX;

import io.moetier.engine.device.AttentionShape;
import io.moetier.engine.device.KvLayer;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/// Attention of query heads that share a key head: scores with a lane for each key, a softmax, and the weighted sum of
/// the values with a lane for each dimension. No step sums over lanes but the softmax.
///
/// Keys and values are read once for all the heads, and each head's arithmetic is as if it were alone. Measured by
/// `AttentionBenchmark`.
final class VectorAttention {
    /// Keys that are scored together, those of two tiles; what is masked is scored too.
    private static final int KEYS = 2 * TILE_KEYS;

    private VectorAttention() {}

    /// As [Arithmetic#attend].
    static void attend(
            float[] q,
            int at,
            int heads,
            int position,
            AttentionShape shape,
            KvLayer cache,
            int kvHead,
            float[] out,
            Scratch scratch) {
        int first = shape.firstVisible(position);
        int base = first / KEYS * KEYS;
        int length = (position / KEYS + 1) * KEYS - base;
        float[] scores = scratch.scores(heads * length);
        float[] sums = scratch.sums(heads);
        scores(q, at, heads, shape, cache, kvHead, base, length, scores);
        for (int head = 0; head < heads; head++) {
            int row = head * length;
            Arrays.fill(scores, row, row + first - base, Float.NEGATIVE_INFINITY);
            Arrays.fill(scores, row + position + 1 - base, row + length, Float.NEGATIVE_INFINITY);
            sums[head] = exponentiate(scores, row, length, scratch);
        }
        int headDim = shape.headDim();
        Arrays.fill(out, at, at + heads * headDim, 0f);
        for (int from = first; from <= position; ) {
            int to = Math.min(position + 1, (from / CHUNK_POSITIONS + 1) * CHUNK_POSITIONS);
            MemorySegment values = cache.values(from / CHUNK_POSITIONS);
            long row = 4 * (cache.headOffset(kvHead) + (long) (from % CHUNK_POSITIONS) * headDim);
            for (int head = 0; head < heads; head++) {
                int weightsAt = head * length + from - base;
                addValues(values, row, scores, weightsAt, to - from, headDim, out, at + head * headDim);
            }
            from = to;
        }
        for (int head = 0; head < heads; head++) {
            scale(out, at + head * headDim, headDim, 1f / sums[head]);
        }
    }

    private static void scale(float[] out, int at, int length, float factor) {
        for (int i = at; i < at + length; i++) {
            out[i] *= factor;
        }
    }

    /// Writes the scores `[heads, length]` of the keys from `base` on, both of which are multiples of [#KEYS].
    private static void scores(
            float[] q,
            int at,
            int heads,
            AttentionShape shape,
            KvLayer cache,
            int kvHead,
            int base,
            int length,
            float[] scores) {
        int headDim = shape.headDim();
        for (int from = 0; from < length; from += KEYS) {
            MemorySegment keys = cache.keys((base + from) / CHUNK_POSITIONS);
            long tile = 4 * (cache.headOffset(kvHead) + (long) ((base + from) % CHUNK_POSITIONS) * headDim);
            for (int head = 0; head < heads; head++) {
                twoTilesOfScores(
                        keys, tile, q, at + head * headDim, headDim, shape.scale(), scores, head * length + from);
            }
        }
    }

    private static void twoTilesOfScores(
            MemorySegment keys, long tile, float[] q, int at, int headDim, float scale, float[] scores, int to) {
        for (int key = 0; key < KEYS; key += 2 * WIDTH) {
            long first = tile + keyOffset(key, headDim);
            long second = tile + keyOffset(key + WIDTH, headDim);
            twoVectorsOfScores(keys, first, second, q, at, headDim, scale, scores, to + key);
        }
    }

    /// Returns the bytes from the start of a tile to a key of it or of a later one.
    private static long keyOffset(int key, int headDim) {
        return 64L * headDim * (key / TILE_KEYS) + 4L * (key % TILE_KEYS);
    }

    /// Two vectors share each element of the query, whose broadcast takes as long as a load of keys.
    private static void twoVectorsOfScores(
            MemorySegment keys,
            long first,
            long second,
            float[] q,
            int at,
            int headDim,
            float scale,
            float[] scores,
            int to) {
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0, a3 = a0;
        FloatVector b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        int whole = headDim & -4;
        for (int d = 0; d < whole; d += 4) {
            long a = first + 64L * d;
            long b = second + 64L * d;
            FloatVector e = FloatVector.broadcast(F, q[at + d]);
            a0 = FloatVector.fromMemorySegment(F, keys, a, LITTLE).fma(e, a0);
            b0 = FloatVector.fromMemorySegment(F, keys, b, LITTLE).fma(e, b0);
            e = FloatVector.broadcast(F, q[at + d + 1]);
            a1 = FloatVector.fromMemorySegment(F, keys, a + 64, LITTLE).fma(e, a1);
            b1 = FloatVector.fromMemorySegment(F, keys, b + 64, LITTLE).fma(e, b1);
            e = FloatVector.broadcast(F, q[at + d + 2]);
            a2 = FloatVector.fromMemorySegment(F, keys, a + 128, LITTLE).fma(e, a2);
            b2 = FloatVector.fromMemorySegment(F, keys, b + 128, LITTLE).fma(e, b2);
            e = FloatVector.broadcast(F, q[at + d + 3]);
            a3 = FloatVector.fromMemorySegment(F, keys, a + 192, LITTLE).fma(e, a3);
            b3 = FloatVector.fromMemorySegment(F, keys, b + 192, LITTLE).fma(e, b3);
        }
        for (int d = whole; d < headDim; d++) {
            FloatVector e = FloatVector.broadcast(F, q[at + d]);
            a0 = FloatVector.fromMemorySegment(F, keys, first + 64L * d, LITTLE).fma(e, a0);
            b0 = FloatVector.fromMemorySegment(F, keys, second + 64L * d, LITTLE)
                    .fma(e, b0);
        }
        a0.add(a1).add(a2.add(a3)).mul(scale).intoArray(scores, to);
        b0.add(b1).add(b2.add(b3)).mul(scale).intoArray(scores, to + WIDTH);
    }

    /// Replaces scores, whose count is a multiple of [#KEYS], by e^(score - largest), and returns their sum.
    private static float exponentiate(float[] scores, int at, int length, Scratch scratch) {
        FloatVector a = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY), b = a;
        for (int i = at; i < at + length; i += 2 * WIDTH) {
            a = a.max(FloatVector.fromArray(F, scores, i));
            b = b.max(FloatVector.fromArray(F, scores, i + WIDTH));
        }
        float max = a.max(b).reduceLanes(MAX);
        Lanes.exp(scores, at, length, 1f, -max, scores, at);
        sum(scores, at, length, scratch.lanes);
        return Lanes.sum(scratch.lanes);
    }

    private static void sum(float[] scores, int at, int length, float[] lanes) {
        FloatVector a = FloatVector.zero(F), b = a;
        for (int i = at; i < at + length; i += 2 * WIDTH) {
            a = a.add(FloatVector.fromArray(F, scores, i));
            b = b.add(FloatVector.fromArray(F, scores, i + WIDTH));
        }
        a.add(b).intoArray(lanes, 0);
    }

    /// Adds `count` rows of values, the first at byte `row`, each times its weight, to `out`: the even ones, the odd
    /// ones, then the last if `count` is odd. Even and odd ones are summed apart, since one sum waits for itself.
    private static void addValues(
            MemorySegment values,
            long row,
            float[] weights,
            int weightsAt,
            int count,
            int headDim,
            float[] out,
            int at) {
        long stride = 4L * headDim;
        int pairs = count & -2;
        int d = 0;
        for (; d <= headDim - 4 * WIDTH; d += 4 * WIDTH) {
            fourVectors(values, row + 4L * d, stride, weights, weightsAt, pairs, out, at + d);
        }
        for (; d <= headDim - 2 * WIDTH; d += 2 * WIDTH) {
            twoVectors(values, row + 4L * d, stride, weights, weightsAt, pairs, out, at + d);
        }
        for (; d <= headDim - WIDTH; d += WIDTH) {
            oneVector(values, row + 4L * d, stride, weights, weightsAt, pairs, out, at + d);
        }
        for (; d < headDim; d++) {
            oneElement(values, row + 4L * d, stride, weights, weightsAt, pairs, out, at + d);
        }
        if (pairs < count) {
            oneRow(values, row + stride * pairs, weights[weightsAt + pairs], headDim, out, at);
        }
    }

    private static void fourVectors(
            MemorySegment values,
            long first,
            long stride,
            float[] weights,
            int weightsAt,
            int count,
            float[] out,
            int at) {
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0, a3 = a0;
        FloatVector b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        for (int j = 0; j < count; j += 2) {
            long a = first + stride * j;
            FloatVector w = FloatVector.broadcast(F, weights[weightsAt + j]);
            a0 = FloatVector.fromMemorySegment(F, values, a, LITTLE).fma(w, a0);
            a1 = FloatVector.fromMemorySegment(F, values, a + 4L * WIDTH, LITTLE)
                    .fma(w, a1);
            a2 = FloatVector.fromMemorySegment(F, values, a + 8L * WIDTH, LITTLE)
                    .fma(w, a2);
            a3 = FloatVector.fromMemorySegment(F, values, a + 12L * WIDTH, LITTLE)
                    .fma(w, a3);
            long b = a + stride;
            w = FloatVector.broadcast(F, weights[weightsAt + j + 1]);
            b0 = FloatVector.fromMemorySegment(F, values, b, LITTLE).fma(w, b0);
            b1 = FloatVector.fromMemorySegment(F, values, b + 4L * WIDTH, LITTLE)
                    .fma(w, b1);
            b2 = FloatVector.fromMemorySegment(F, values, b + 8L * WIDTH, LITTLE)
                    .fma(w, b2);
            b3 = FloatVector.fromMemorySegment(F, values, b + 12L * WIDTH, LITTLE)
                    .fma(w, b3);
        }
        FloatVector.fromArray(F, out, at).add(a0.add(b0)).intoArray(out, at);
        FloatVector.fromArray(F, out, at + WIDTH).add(a1.add(b1)).intoArray(out, at + WIDTH);
        FloatVector.fromArray(F, out, at + 2 * WIDTH).add(a2.add(b2)).intoArray(out, at + 2 * WIDTH);
        FloatVector.fromArray(F, out, at + 3 * WIDTH).add(a3.add(b3)).intoArray(out, at + 3 * WIDTH);
    }

    private static void twoVectors(
            MemorySegment values,
            long first,
            long stride,
            float[] weights,
            int weightsAt,
            int count,
            float[] out,
            int at) {
        FloatVector a0 = FloatVector.zero(F), a1 = a0, b0 = a0, b1 = a0;
        for (int j = 0; j < count; j += 2) {
            long a = first + stride * j;
            FloatVector w = FloatVector.broadcast(F, weights[weightsAt + j]);
            a0 = FloatVector.fromMemorySegment(F, values, a, LITTLE).fma(w, a0);
            a1 = FloatVector.fromMemorySegment(F, values, a + 4L * WIDTH, LITTLE)
                    .fma(w, a1);
            long b = a + stride;
            w = FloatVector.broadcast(F, weights[weightsAt + j + 1]);
            b0 = FloatVector.fromMemorySegment(F, values, b, LITTLE).fma(w, b0);
            b1 = FloatVector.fromMemorySegment(F, values, b + 4L * WIDTH, LITTLE)
                    .fma(w, b1);
        }
        FloatVector.fromArray(F, out, at).add(a0.add(b0)).intoArray(out, at);
        FloatVector.fromArray(F, out, at + WIDTH).add(a1.add(b1)).intoArray(out, at + WIDTH);
    }

    private static void oneVector(
            MemorySegment values,
            long first,
            long stride,
            float[] weights,
            int weightsAt,
            int count,
            float[] out,
            int at) {
        FloatVector a = FloatVector.zero(F), b = a;
        for (int j = 0; j < count; j += 2) {
            long p = first + stride * j;
            FloatVector even = FloatVector.fromMemorySegment(F, values, p, LITTLE);
            a = even.fma(FloatVector.broadcast(F, weights[weightsAt + j]), a);
            FloatVector odd = FloatVector.fromMemorySegment(F, values, p + stride, LITTLE);
            b = odd.fma(FloatVector.broadcast(F, weights[weightsAt + j + 1]), b);
        }
        FloatVector.fromArray(F, out, at).add(a.add(b)).intoArray(out, at);
    }

    private static void oneElement(
            MemorySegment values,
            long first,
            long stride,
            float[] weights,
            int weightsAt,
            int count,
            float[] out,
            int at) {
        float a = 0, b = 0;
        for (int j = 0; j < count; j += 2) {
            long p = first + stride * j;
            a = Math.fma(values.get(JAVA_FLOAT, p), weights[weightsAt + j], a);
            b = Math.fma(values.get(JAVA_FLOAT, p + stride), weights[weightsAt + j + 1], b);
        }
        out[at] += a + b;
    }

    private static void oneRow(MemorySegment values, long row, float weight, int headDim, float[] out, int at) {
        for (int d = 0; d < headDim; d++) {
            out[at + d] = Math.fma(values.get(JAVA_FLOAT, row + 4L * d), weight, out[at + d]);
        }
    }
}
