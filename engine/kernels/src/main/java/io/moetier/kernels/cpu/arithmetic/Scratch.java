package io.moetier.kernels.cpu.arithmetic;

import io.moetier.kernels.tensor.RowDecoder;
import java.util.Arrays;
import java.util.function.ToLongFunction;

/// Memory that one thread of the pool works in. Arrays grow to the largest call seen and stay.
public final class Scratch {
    public static final int EXPONENTIALS = 1024;

    /// Scores come to one more for each token: there is room for so many more.
    private static final int SCORES = 1024;

    /// Scores of a query, or scaled activations.
    public float[] scores = new float[0];

    /// Queries and what is in front of them.
    public final AttentionBlock attention = new AttentionBlock();

    /// Sixteen heads of latent attention.
    public final LatentBlock latents = new LatentBlock();

    /// Keys that were chosen.
    public final GatheredKeys gathered = new GatheredKeys();

    /// Where the results of a part of a matrix product go.
    public final Results results = new Results();

    /// Where those of the second operand go where two products are combined.
    public final Results otherResults = new Results();

    /// Results of a part of a matrix product, `[columns][tiles][16]`, that has no place of its own.
    public float[] sums = new float[0];

    /// The second operand's results where two products are combined.
    public float[] otherSums = new float[0];

    /// Sums and results of [io.moetier.kernels.cpu.vector.VectorGemm].
    public float[] blocks = new float[0];

    /// Decoded weights `[k][16]`.
    public float[] weights = new float[0];

    /// Sixteen scales for each decoded block of 32.
    public float[] scales = new float[0];

    /// One value a lane, and room for a padded tail.
    public final float[] lanes = new float[32];

    /// Exponentials of a block of gates.
    public final float[] exponentials = new float[EXPONENTIALS];

    /// The state of a head of linear attention.
    public final MatrixRows matrixRows = new MatrixRows();

    /// Decodes rows of weights.
    final RowDecoder rowDecoder = new RowDecoder();

    /// Double-precision sums of sixteen rows.
    final double[] exactSums = new double[16];

    /// Returns the bytes of the arrays, but for the few kilobytes that are attention's. Which thread works on what is
    /// chance, so each is counted with what any of them has needed so far, which it will need in time.
    public static long byteSize(Scratch[] all) {
        long bytes = largest(all, own -> own.matrixRows.byteSize());
        bytes += largest(all, own -> own.gathered.byteSize());
        bytes += Float.BYTES * largest(all, own -> own.scores.length);
        bytes += Float.BYTES * largest(all, own -> own.sums.length);
        bytes += Float.BYTES * largest(all, own -> own.otherSums.length);
        bytes += Float.BYTES * largest(all, own -> own.blocks.length);
        bytes += Float.BYTES * largest(all, own -> own.weights.length);
        bytes += Float.BYTES * largest(all, own -> own.scales.length);
        return all.length * bytes;
    }

    private static long largest(Scratch[] all, ToLongFunction<Scratch> size) {
        return Arrays.stream(all).mapToLong(size).max().orElse(0);
    }

    public float[] scores(int length) {
        if (scores.length < length) {
            scores = new float[(length + SCORES - 1) / SCORES * SCORES];
        }
        return scores;
    }

    public float[] sums(int length) {
        sums = atLeast(sums, length);
        return sums;
    }

    public float[] otherSums(int length) {
        otherSums = atLeast(otherSums, length);
        return otherSums;
    }

    public float[] blocks(int length) {
        blocks = atLeast(blocks, length);
        return blocks;
    }

    public float[] weights(int length) {
        weights = atLeast(weights, length);
        return weights;
    }

    public float[] scales(int length) {
        scales = atLeast(scales, length);
        return scales;
    }

    /// Returns `known` if it is long enough, else a new array of just that length.
    public static float[] atLeast(float[] known, int length) {
        return known.length >= length ? known : new float[length];
    }

    /// Returns `known` if it is long enough, else a new array of at least twice its length.
    public static float[] grown(float[] known, int length) {
        return known.length >= length ? known : new float[Math.max(length, 2 * known.length)];
    }
}
