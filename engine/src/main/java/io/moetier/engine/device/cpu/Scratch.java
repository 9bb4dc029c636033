package io.moetier.engine.device.cpu;

import io.moetier.engine.tensor.RowDecoder;

/// Memory that one thread of the pool works in. Arrays grow to the largest call seen and stay.
final class Scratch {
    static final int EXPONENTIALS = 1024;

    /// Scores of a query, or scaled activations.
    float[] scores = new float[0];

    /// Queries and what is in front of them.
    final AttentionBlock attention = new AttentionBlock();

    /// Sixteen heads of latent attention.
    final LatentBlock latents = new LatentBlock();

    /// Results of a part of a matrix product, `[tiles][columns][16]`.
    float[] sums = new float[0];

    /// The second operand's results where two products are combined.
    float[] otherSums = new float[0];

    /// Sums and results of [VectorGemm].
    float[] blocks = new float[0];

    /// Decoded weights `[k][16]`.
    float[] weights = new float[0];

    /// Sixteen scales for each decoded block of 32.
    float[] scales = new float[0];

    /// One value a lane, and room for a padded tail.
    final float[] lanes = new float[32];

    /// Exponentials of a block of gates.
    final float[] exponentials = new float[EXPONENTIALS];

    /// The state of a head of linear attention.
    final MatrixRows matrixRows = new MatrixRows();

    /// Decodes rows of weights.
    final RowDecoder rowDecoder = new RowDecoder();

    /// Double-precision sums of sixteen rows.
    final double[] exactSums = new double[16];

    /// Returns the bytes of the arrays, but for the few kilobytes that are attention's.
    long byteSize() {
        long floats = (long) scores.length + sums.length + otherSums.length + blocks.length;
        return Float.BYTES * (floats + weights.length + scales.length) + matrixRows.byteSize();
    }

    float[] scores(int length) {
        scores = grown(scores, length);
        return scores;
    }

    float[] sums(int length) {
        sums = grown(sums, length);
        return sums;
    }

    float[] otherSums(int length) {
        otherSums = grown(otherSums, length);
        return otherSums;
    }

    float[] blocks(int length) {
        blocks = grown(blocks, length);
        return blocks;
    }

    float[] weights(int length) {
        weights = grown(weights, length);
        return weights;
    }

    float[] scales(int length) {
        scales = grown(scales, length);
        return scales;
    }

    /// Returns `known` if it is long enough, else a new array of at least twice its length.
    static float[] grown(float[] known, int length) {
        return known.length >= length ? known : new float[Math.max(length, 2 * known.length)];
    }
}
