package io.moetier.engine.device.cpu;

import static io.moetier.engine.device.cpu.Lanes.F;
import static io.moetier.engine.device.cpu.Lanes.I;
import static io.moetier.engine.device.cpu.Lanes.LITTLE;
import static io.moetier.engine.device.cpu.Lanes.WIDTH;

import io.moetier.engine.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/// Matrix times several columns on r16 weights.
///
/// Weights of a panel of columns are decoded once to float32 `[k][16]`; then a group of them stays in registers while
/// all activation columns pass by, their results being packed `[column][16]` so that they do not fall into one set of
/// the cache. Groups and the order inside them are those of [VectorGemv], so that one column gives the same bits here
/// and there.
final class VectorGemm {
    private static final int ROWS = WeightMatrix.TILE_ROWS;

    /// Columns of weights that are decoded at a time: 32 KiB of float32.
    private static final int PANEL = 512;

    /// Columns that share a scale.
    private static final int BLOCK = 32;

    private static final float[] ONES = new float[ROWS];

    static {
        Arrays.fill(ONES, 1f);
    }

    private VectorGemm() {}

    /// As [Arithmetic#multiply], on columns `[cols / 16][n][16]`.
    static void multiply(
            WeightMatrix w,
            int from,
            int to,
            float[] x,
            int n,
            int firstColumn,
            int lastColumn,
            float[] y,
            int firstY,
            Scratch scratch) {
        int columns = lastColumn - firstColumn;
        long tileBytes = WeightMatrix.tileBytes(w.dtype(), w.cols());
        float[] weights = scratch.weights(PANEL * ROWS);
        float[] scales = scratch.scales(PANEL / BLOCK * ROWS);
        Arrays.fill(y, firstY, firstY + (to - from) * columns * ROWS, 0f);
        for (int k = 0; k < w.cols(); k += PANEL) {
            int depth = Math.min(PANEL, w.cols() - k);
            for (int tile = from; tile < to; tile++) {
                decode(w, tile * tileBytes, k, depth, weights, scales);
                int yAt = firstY + (tile - from) * columns * ROWS;
                for (int g = 0; g < depth; g += 16) {
                    int xAt = ((k + g) / 16 * n + firstColumn) * 16;
                    sixteen(weights, g * ROWS, scales, g / BLOCK * ROWS, x, xAt, y, yAt, columns);
                }
            }
        }
    }

    /// Adds the columns of `w` from `first` on, fewer than a group, to the sixteen results of the tile at byte `at`.
    static void tail(WeightMatrix w, long at, int first, float[] x, int xAt, float[] y, int yAt, Scratch scratch) {
        int depth = w.cols() - first;
        float[] weights = scratch.weights(PANEL * ROWS);
        float[] scales = scratch.scales(PANEL / BLOCK * ROWS);
        float[] padded = scratch.lanes;
        float unscale = w.dtype() == DType.F16 ? 1 / VectorGemv.HALF_SCALE : 1f;
        Arrays.fill(padded, 0, 16, 0f);
        for (int i = 0; i < depth; i++) {
            padded[i] = x[xAt + first + i] * unscale;
        }
        decode(w, at, first, depth, weights, scales);
        sixteen(weights, 0, scales, 0, padded, 0, y, yAt, 1);
    }

    /// Adds sixteen columns of weights to the results of `columns` activation columns.
    private static void sixteen(
            float[] weights, int wAt, float[] scales, int sAt, float[] x, int xAt, float[] y, int yAt, int columns) {
        for (int lane = 0; lane < ROWS; lane += WIDTH) {
            group(weights, wAt + lane, scales, sAt + lane, x, xAt, y, yAt + lane, columns);
            group(weights, wAt + lane + 8 * ROWS, scales, sAt + lane, x, xAt + 8, y, yAt + lane, columns);
        }
    }

    /// The multiplication by one keeps the compiler from treating the weights as operands in memory. It would then load
    /// each activation into a register before it is broadcast, and broadcasts from registers compete with the
    /// arithmetic for the same execution port.
    private static void group(
            float[] w, int wAt, float[] scales, int sAt, float[] x, int xAt, float[] y, int yAt, int columns) {
        FloatVector scale = FloatVector.fromArray(F, scales, sAt);
        FloatVector one = FloatVector.fromArray(F, ONES, 0);
        FloatVector w0 = FloatVector.fromArray(F, w, wAt).mul(one);
        FloatVector w1 = FloatVector.fromArray(F, w, wAt + 16).mul(one);
        FloatVector w2 = FloatVector.fromArray(F, w, wAt + 32).mul(one);
        FloatVector w3 = FloatVector.fromArray(F, w, wAt + 48).mul(one);
        FloatVector w4 = FloatVector.fromArray(F, w, wAt + 64).mul(one);
        FloatVector w5 = FloatVector.fromArray(F, w, wAt + 80).mul(one);
        FloatVector w6 = FloatVector.fromArray(F, w, wAt + 96).mul(one);
        FloatVector w7 = FloatVector.fromArray(F, w, wAt + 112).mul(one);
        for (int j = 0; j < columns; j++) {
            int e = xAt + j * 16;
            int d = yAt + j * ROWS;
            FloatVector s0 = w0.mul(FloatVector.broadcast(F, x[e]));
            FloatVector s1 = w1.mul(FloatVector.broadcast(F, x[e + 1]));
            s0 = w2.fma(FloatVector.broadcast(F, x[e + 2]), s0);
            s1 = w3.fma(FloatVector.broadcast(F, x[e + 3]), s1);
            s0 = w4.fma(FloatVector.broadcast(F, x[e + 4]), s0);
            s1 = w5.fma(FloatVector.broadcast(F, x[e + 5]), s1);
            s0 = w6.fma(FloatVector.broadcast(F, x[e + 6]), s0);
            s1 = w7.fma(FloatVector.broadcast(F, x[e + 7]), s1);
            s0.add(s1).fma(scale, FloatVector.fromArray(F, y, d)).intoArray(y, d);
        }
    }

    /// Decodes `depth` columns from `first` on, padded with zeros to a multiple of sixteen; scales are one but for
    /// quantised types.
    private static void decode(WeightMatrix w, long tile, int first, int depth, float[] weights, float[] scales) {
        MemorySegment bytes = w.bytes();
        switch (w.dtype()) {
            case F32 -> f32(bytes, tile + 64L * first, depth, weights);
            case F16 -> f16(bytes, tile + 32L * first, depth, weights);
            case BF16 -> bf16(bytes, tile + 32L * first, (depth + 1) / 2, weights);
            case Q8_0 -> q8(bytes, tile + 17L * first, depth, weights, scales);
            default -> throw new UnsupportedOperationException(w.dtype() + " weights");
        }
        if (w.dtype() != DType.Q8_0) {
            Arrays.fill(scales, 0, PANEL / BLOCK * ROWS, 1f);
        }
        if (depth % 16 != 0) {
            Arrays.fill(weights, depth * ROWS, (depth + 15) / 16 * 16 * ROWS, 0f);
        }
    }

    private static void f32(MemorySegment bytes, long at, int depth, float[] weights) {
        for (int i = 0; i < depth * ROWS; i += WIDTH) {
            FloatVector.fromMemorySegment(F, bytes, at + 4L * i, LITTLE).intoArray(weights, i);
        }
    }

    private static void f16(MemorySegment bytes, long at, int depth, float[] weights) {
        for (int i = 0; i < depth * ROWS; i += WIDTH) {
            Lanes.halves(bytes, at + 2L * i).mul(Lanes.HALF_BIAS).intoArray(weights, i);
        }
    }

    private static void bf16(MemorySegment bytes, long at, int pairs, float[] weights) {
        for (int i = 0; i < pairs * ROWS; i += WIDTH) {
            IntVector v = IntVector.fromMemorySegment(I, bytes, at + 4L * i, LITTLE);
            int to = i / ROWS * 2 * ROWS + i % ROWS;
            Lanes.even(v).intoArray(weights, to);
            Lanes.odd(v).intoArray(weights, to + ROWS);
        }
    }

    private static void q8(MemorySegment bytes, long at, int depth, float[] weights, float[] scales) {
        for (int k = 0; k < depth; k += BLOCK) {
            long block = at + 17L * k;
            for (int lane = 0; lane < ROWS; lane += WIDTH) {
                int sAt = k / BLOCK * ROWS + lane;
                Lanes.halves(bytes, block + 2L * lane).mul(Lanes.HALF_BIAS).intoArray(scales, sAt);
            }
            for (int i = 0; i < BLOCK / 4 * ROWS; i += WIDTH) {
                IntVector v = IntVector.fromMemorySegment(I, bytes, block + 32 + 4L * i, LITTLE);
                int to = (k + i / ROWS * 4) * ROWS + i % ROWS;
                Lanes.bytes(v, 0).intoArray(weights, to);
                Lanes.bytes(v, 1).intoArray(weights, to + ROWS);
                Lanes.bytes(v, 2).intoArray(weights, to + 2 * ROWS);
                Lanes.bytes(v, 3).intoArray(weights, to + 3 * ROWS);
            }
        }
    }
}
