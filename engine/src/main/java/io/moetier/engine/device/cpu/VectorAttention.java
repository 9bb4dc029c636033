package io.moetier.engine.device.cpu;

import static io.moetier.engine.device.KvLayer.CHUNK_POSITIONS;
import static io.moetier.engine.device.KvLayer.TILE_KEYS;
import static io.moetier.engine.device.cpu.Lanes.F;
import static io.moetier.engine.device.cpu.Lanes.LITTLE;
import static io.moetier.engine.device.cpu.Lanes.WIDTH;
import static jdk.incubator.vector.VectorOperators.MAX;

import io.moetier.engine.device.AttentionShape;
import io.moetier.engine.device.KvLayer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/// Attention of one query head: scores with a lane for each key, a softmax, and the weighted sum of the values with a
/// lane for each dimension. No step sums over lanes but the softmax.
final class VectorAttention {
    private VectorAttention() {}

    /// As [Arithmetic#attend].
    static void attend(
            float[] q,
            int at,
            int position,
            AttentionShape shape,
            KvLayer cache,
            int kvHead,
            float[] out,
            Scratch scratch) {
        int first = shape.firstVisible(position);
        int base = first / TILE_KEYS * TILE_KEYS;
        int end = (position / TILE_KEYS + 1) * TILE_KEYS;
        float[] scores = scratch.scores(end - base);
        scores(q, at, shape, cache, kvHead, base, end, scores);
        Arrays.fill(scores, 0, first - base, Float.NEGATIVE_INFINITY);
        Arrays.fill(scores, position + 1 - base, end - base, Float.NEGATIVE_INFINITY);
        float inverse = 1f / exponentiate(scores, end - base, scratch);

        int headDim = shape.headDim();
        Arrays.fill(out, at, at + headDim, 0f);
        for (int from = first; from <= position; ) {
            int chunk = from / CHUNK_POSITIONS;
            int to = Math.min(position + 1, (chunk + 1) * CHUNK_POSITIONS);
            long row = cache.headOffset(kvHead) + (long) (from % CHUNK_POSITIONS) * headDim;
            addValues(cache.values(chunk), 4 * row, scores, from - base, to - from, headDim, out, at);
            from = to;
        }
        for (int d = 0; d < headDim; d++) {
            out[at + d] *= inverse;
        }
    }

    private static void scores(
            float[] q, int at, AttentionShape shape, KvLayer cache, int kvHead, int base, int end, float[] scores) {
        int headDim = shape.headDim();
        for (int from = base; from < end; from += TILE_KEYS) {
            MemorySegment keys = cache.keys(from / CHUNK_POSITIONS);
            long tile = 4 * (cache.headOffset(kvHead) + (long) (from % CHUNK_POSITIONS) * headDim);
            for (int lane = 0; lane < TILE_KEYS; lane += WIDTH) {
                tileScores(keys, tile + 4L * lane, q, at, headDim, shape.scale(), scores, from - base + lane);
            }
        }
    }

    private static void tileScores(
            MemorySegment keys, long tile, float[] q, int at, int headDim, float scale, float[] scores, int to) {
        FloatVector s0 = FloatVector.zero(F), s1 = s0, s2 = s0, s3 = s0;
        int whole = headDim & -4;
        for (int d = 0; d < whole; d += 4) {
            long p = tile + 64L * d;
            int e = at + d;
            s0 = FloatVector.fromMemorySegment(F, keys, p, LITTLE).fma(FloatVector.broadcast(F, q[e]), s0);
            s1 = FloatVector.fromMemorySegment(F, keys, p + 64, LITTLE).fma(FloatVector.broadcast(F, q[e + 1]), s1);
            s2 = FloatVector.fromMemorySegment(F, keys, p + 128, LITTLE).fma(FloatVector.broadcast(F, q[e + 2]), s2);
            s3 = FloatVector.fromMemorySegment(F, keys, p + 192, LITTLE).fma(FloatVector.broadcast(F, q[e + 3]), s3);
        }
        for (int d = whole; d < headDim; d++) {
            FloatVector key = FloatVector.fromMemorySegment(F, keys, tile + 64L * d, LITTLE);
            s0 = key.fma(FloatVector.broadcast(F, q[at + d]), s0);
        }
        s0.add(s1).add(s2.add(s3)).mul(scale).intoArray(scores, to);
    }

    /// Replaces scores, whose count is a multiple of sixteen, by e^(score - largest), and returns their sum.
    private static float exponentiate(float[] scores, int length, Scratch scratch) {
        FloatVector largest = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
        for (int i = 0; i < length; i += WIDTH) {
            largest = largest.max(FloatVector.fromArray(F, scores, i));
        }
        float max = largest.reduceLanes(MAX);
        Lanes.exp(scores, 0, length, 1f, -max, scores);
        FloatVector sum = FloatVector.zero(F);
        for (int i = 0; i < length; i += WIDTH) {
            sum = sum.add(FloatVector.fromArray(F, scores, i));
        }
        sum.intoArray(scratch.lanes, 0);
        return Lanes.sum(scratch.lanes);
    }

    /// Adds `count` rows of values, the first at byte `row`, each times its weight, to `out`.
    private static void addValues(
            MemorySegment values,
            long row,
            float[] weights,
            int weightsAt,
            int count,
            int headDim,
            float[] out,
            int at) {
        int d = 0;
        for (; d <= headDim - 4 * WIDTH; d += 4 * WIDTH) {
            fourVectors(values, row + 4L * d, 4L * headDim, weights, weightsAt, count, out, at + d);
        }
        for (; d <= headDim - WIDTH; d += WIDTH) {
            oneVector(values, row + 4L * d, 4L * headDim, weights, weightsAt, count, out, at + d);
        }
        for (; d < headDim; d++) {
            float sum = out[at + d];
            for (int j = 0; j < count; j++) {
                float value = values.get(ValueLayout.JAVA_FLOAT, row + 4L * d + 4L * headDim * j);
                sum = Math.fma(value, weights[weightsAt + j], sum);
            }
            out[at + d] = sum;
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
        FloatVector s0 = FloatVector.fromArray(F, out, at);
        FloatVector s1 = FloatVector.fromArray(F, out, at + WIDTH);
        FloatVector s2 = FloatVector.fromArray(F, out, at + 2 * WIDTH);
        FloatVector s3 = FloatVector.fromArray(F, out, at + 3 * WIDTH);
        for (int j = 0; j < count; j++) {
            long p = first + stride * j;
            FloatVector weight = FloatVector.broadcast(F, weights[weightsAt + j]);
            s0 = FloatVector.fromMemorySegment(F, values, p, LITTLE).fma(weight, s0);
            s1 = FloatVector.fromMemorySegment(F, values, p + 4L * WIDTH, LITTLE)
                    .fma(weight, s1);
            s2 = FloatVector.fromMemorySegment(F, values, p + 8L * WIDTH, LITTLE)
                    .fma(weight, s2);
            s3 = FloatVector.fromMemorySegment(F, values, p + 12L * WIDTH, LITTLE)
                    .fma(weight, s3);
        }
        s0.intoArray(out, at);
        s1.intoArray(out, at + WIDTH);
        s2.intoArray(out, at + 2 * WIDTH);
        s3.intoArray(out, at + 3 * WIDTH);
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
        FloatVector sum = FloatVector.fromArray(F, out, at);
        for (int j = 0; j < count; j++) {
            FloatVector value = FloatVector.fromMemorySegment(F, values, first + stride * j, LITTLE);
            sum = value.fma(FloatVector.broadcast(F, weights[weightsAt + j]), sum);
        }
        sum.intoArray(out, at);
    }
}
