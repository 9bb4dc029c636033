package io.moetier.kernels.cpu.arithmetic;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.moetier.kernels.device.AttentionSinks;
import io.moetier.kernels.device.KvType;
import io.moetier.kernels.device.LatentLayer;
import io.moetier.kernels.device.LatentShape;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Sixteen heads of one token in the midst of latent attention, a lane for each. As all of them look at the same keys
/// and values, nothing is ever summed over lanes, and a head does not depend on those beside it. Lanes without a head
/// are zero.
///
/// One thread's; arrays grow to the largest call seen and stay.
public final class LatentBlock {
    public static final int HEADS = 16;

    /// Positions that are looked at together; a block of them starts at a multiple of it.
    public static final int POSITIONS = 32;

    /// Queries over latents and rotated keys, `[keyDim][HEADS]`.
    public float[] q = new float[0];

    /// Sums of the latents so far, `[latentDim][HEADS]`.
    public float[] sums = q;

    /// The largest score so far, the sum of the weights relative to it, and what both have just been multiplied by.
    final float[] largest = new float[HEADS];

    final float[] total = new float[HEADS];
    final float[] factor = new float[HEADS];

    /// Scores of the positions in front, then their weights, `[POSITIONS][HEADS]`.
    public final float[] weights = new float[POSITIONS * HEADS];

    /// The positions in front, `[POSITIONS][keyDim]`.
    public float[] decoded = q;

    /// The arrays as native code gets them.
    public MemorySegment qSegment = MemorySegment.ofArray(q);

    public MemorySegment sumsSegment = qSegment;
    public MemorySegment decodedSegment = qSegment;
    public final MemorySegment largestSegment = MemorySegment.ofArray(largest);
    public final MemorySegment totalSegment = MemorySegment.ofArray(total);
    public final MemorySegment weightsSegment = MemorySegment.ofArray(weights);

    public int latentDim;
    public int keyDim;
    public float scale;
    private int heads;

    /// Takes the queries of `count` heads; no position has been seen.
    public void begin(float[] absorbed, int at, float[] rotated, int rotatedAt, int count, LatentShape shape) {
        heads = count;
        latentDim = shape.latentDim();
        keyDim = shape.keyDim();
        scale = shape.scale();
        grow();
        Arrays.fill(q, 0, keyDim * HEADS, 0f);
        for (int head = 0; head < heads; head++) {
            transpose(absorbed, at + head * latentDim, latentDim, head, 0);
            transpose(rotated, rotatedAt + head * shape.queryDim() + shape.nopeDim(), shape.ropeDim(), head, latentDim);
        }
        Arrays.fill(sums, 0, latentDim * HEADS, 0f);
        Arrays.fill(largest, Float.NEGATIVE_INFINITY);
        Arrays.fill(total, 0f);
        begin(shape.sinks(), at / latentDim % shape.numHeads());
    }

    /// A sink counts as a position that has been seen and has no value.
    private void begin(@Nullable AttentionSinks sinks, int firstHead) {
        for (int head = 0; sinks != null && head < heads; head++) {
            largest[head] = sinks.logit(firstHead + head);
            total[head] = 1;
        }
    }

    private void grow() {
        if (q.length < keyDim * HEADS) {
            q = new float[keyDim * HEADS];
            qSegment = MemorySegment.ofArray(q);
        }
        if (sums.length < latentDim * HEADS) {
            sums = new float[latentDim * HEADS];
            sumsSegment = MemorySegment.ofArray(sums);
        }
        if (decoded.length < POSITIONS * keyDim) {
            decoded = new float[POSITIONS * keyDim];
            decodedSegment = MemorySegment.ofArray(decoded);
        }
    }

    private void transpose(float[] from, int at, int length, int head, int to) {
        for (int d = 0; d < length; d++) {
            q[(to + d) * HEADS + head] = from[at + d];
        }
    }

    /// Decodes `count` positions from `position` on.
    public void read(LatentLayer cache, int position, int count) {
        MemorySegment chunk = cache.chunk(position / LatentLayer.CHUNK_POSITIONS);
        long index = (long) (position % LatentLayer.CHUNK_POSITIONS) * keyDim;
        if (cache.type() == KvType.F16) {
            AttentionBlock.halves(chunk, 2 * index, decoded, 0, count * keyDim);
        } else {
            MemorySegment.copy(chunk, JAVA_FLOAT, 4 * index, decoded, 0, count * keyDim);
        }
    }

    /// Turns the scores of `count` positions into weights relative to the largest score so far, and what there is into
    /// the same.
    public void softmax(int count) {
        for (int lane = 0; lane < HEADS; lane++) {
            factor[lane] = largest[lane];
        }
        for (int at = 0; at < count * HEADS; at += HEADS) {
            for (int lane = 0; lane < HEADS; lane++) {
                largest[lane] = Math.max(largest[lane], weights[at + lane]);
            }
        }
        for (int lane = 0; lane < HEADS; lane++) {
            factor[lane] -= largest[lane];
        }
        for (int at = 0; at < count * HEADS; at += HEADS) {
            for (int lane = 0; lane < HEADS; lane++) {
                weights[at + lane] -= largest[lane];
            }
        }
        Lanes.exp(factor, 0, HEADS, 1f, 0f, factor, 0);
        Lanes.exp(weights, 0, count * HEADS, 1f, 0f, weights, 0);
        for (int lane = 0; lane < HEADS; lane++) {
            total[lane] *= factor[lane];
        }
        for (int at = 0; at < count * HEADS; at += HEADS) {
            for (int lane = 0; lane < HEADS; lane++) {
                total[lane] += weights[at + lane];
            }
        }
        for (int at = 0; at < latentDim * HEADS; at += HEADS) {
            for (int lane = 0; lane < HEADS; lane++) {
                sums[at + lane] *= factor[lane];
            }
        }
    }

    /// Writes the heads' results `[heads][latentDim]`.
    public void finish(float[] out, int at) {
        for (int head = 0; head < heads; head++) {
            for (int d = 0; d < latentDim; d++) {
                out[at + head * latentDim + d] = sums[d * HEADS + head] / total[head];
            }
        }
    }
}
