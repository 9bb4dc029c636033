package io.moetier.kernels.cpu.arithmetic;

import static io.moetier.kernels.device.KvLayer.CHUNK_POSITIONS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.moetier.kernels.device.AttentionShape;
import io.moetier.kernels.device.AttentionSinks;
import io.moetier.kernels.device.KvLayer;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// What [io.moetier.kernels.cpu.vector.VectorAttention] keeps of the queries it works on, and the keys or values in
/// front of them. One thread's; arrays grow to the largest call seen and stay.
public final class AttentionBlock {
    /// Keys that are looked at together; a block of them starts at a multiple of it.
    public static final int KEYS = 64;

    /// Queries `[queries][headDim]`, those of a position next to each other.
    public float[] q = new float[0];

    /// Sums of the values so far `[queries][width]`.
    public float[] sums = q;

    /// The largest score so far and the sum of the weights relative to it, of each query.
    public float[] largest = q;

    public float[] total = q;

    /// Scores of the keys in front, then their weights, `[queries][KEYS]`.
    public float[] scores = q;

    /// Keys `[KEYS / 16][headDim][16]` or values `[KEYS][width]`.
    public float[] decoded = q;

    /// The keys in front that a query sees: `first[query] <= key < end[query]`, counted from the first in front.
    public int[] first = new int[0];

    public int[] end = first;

    public int queries;
    public int headDim;
    public float scale;

    /// `valueDim` rounded up to whole pairs of vectors; what is beyond `valueDim` stays zero.
    public int width;

    private int valueDim;

    private int heads;
    private int position;
    private int stride; // of positions, in heads

    /// Takes the queries of `heads` heads at `position` and the `rows - 1` that follow; no key has been seen.
    public void begin(float[] from, int at, int rows, int heads, int position, AttentionShape shape) {
        this.heads = heads;
        this.position = position;
        queries = rows * heads;
        headDim = shape.headDim();
        valueDim = shape.valueDim();
        scale = shape.scale();
        stride = shape.numHeads();
        int pair = 2 * Lanes.WIDTH;
        width = (valueDim + pair - 1) / pair * pair;
        grow();
        for (int row = 0; row < rows; row++) {
            System.arraycopy(from, at + row * stride * headDim, q, row * heads * headDim, heads * headDim);
        }
        Arrays.fill(sums, 0, queries * width, 0f);
        begin(shape.sinks(), at / headDim % shape.numHeads());
    }

    /// A sink counts as a key that has been seen and has no value.
    private void begin(@Nullable AttentionSinks sinks, int firstHead) {
        if (sinks == null) {
            Arrays.fill(largest, 0, queries, Float.NEGATIVE_INFINITY);
            Arrays.fill(total, 0, queries, 0f);
            return;
        }
        for (int query = 0; query < queries; query++) {
            largest[query] = sinks.logit(firstHead + query % heads);
        }
        Arrays.fill(total, 0, queries, 1f);
    }

    private void grow() {
        q = Scratch.grown(q, queries * headDim);
        sums = Scratch.grown(sums, queries * width);
        largest = Scratch.grown(largest, queries);
        total = Scratch.grown(total, queries);
        scores = Scratch.grown(scores, queries * KEYS);
        decoded = Scratch.grown(decoded, KEYS * Math.max(headDim, width));
        if (first.length < queries) {
            first = new int[queries];
            end = new int[queries];
        }
    }

    /// Decodes the keys from position `from` on, and finds out who sees which.
    public void readKeys(int from, AttentionShape shape, KvLayer cache, int kvHead) {
        for (int query = 0; query < queries; query++) {
            int at = position + query / heads;
            first[query] = Math.clamp(shape.firstVisible(at) - (long) from, 0, KEYS);
            end[query] = Math.clamp(at + 1L - from, 0, KEYS);
        }
        long index = cache.headOffset(kvHead) + (long) (from % CHUNK_POSITIONS) * headDim;
        decode(cache, cache.keys(from / CHUNK_POSITIONS), index, 0, KEYS * headDim);
    }

    /// Decodes the values that somebody sees; [#readKeys] comes before it.
    public void readValues(int from, KvLayer cache, int kvHead) {
        MemorySegment values = cache.values(from / CHUNK_POSITIONS);
        long index = cache.valueOffset(kvHead) + (long) (from % CHUNK_POSITIONS) * valueDim;
        int least = first[0];
        int most = end[queries - 1];
        if (width == valueDim) {
            decode(cache, values, index + (long) least * valueDim, least * valueDim, (most - least) * valueDim);
            return;
        }
        for (int key = least; key < most; key++) {
            decode(cache, values, index + (long) key * valueDim, key * width, valueDim);
            Arrays.fill(decoded, key * width + valueDim, (key + 1) * width, 0f);
        }
    }

    private void decode(KvLayer cache, MemorySegment segment, long index, int to, int length) {
        switch (cache.type()) {
            case F16 -> halves(segment, 2 * index, decoded, to, length);
            case F32 -> MemorySegment.copy(segment, JAVA_FLOAT, 4 * index, decoded, to, length);
        }
    }

    /// A loop that the compiler turns into the processor's conversion, which the Vector API does not offer.
    static void halves(MemorySegment segment, long at, float[] to, int toAt, int length) {
        for (int i = 0; i < length; i++) {
            to[toAt + i] = Float.float16ToFloat(segment.get(JAVA_SHORT, at + 2L * i));
        }
    }

    /// Writes the results to the heads that the queries, the first of them at `at`, are of.
    public void finish(float[] out, int at) {
        for (int query = 0; query < queries; query++) {
            int to = (at / headDim + query / heads * stride + query % heads) * valueDim;
            for (int d = 0; d < valueDim; d++) {
                out[to + d] = sums[query * width + d] / total[query];
            }
        }
    }
}
