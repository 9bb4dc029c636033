package io.moetier.kernels.cpu.vector;

import static io.moetier.kernels.cpu.arithmetic.Lanes.F;
import static io.moetier.kernels.cpu.arithmetic.Lanes.WIDTH;

import io.moetier.kernels.cpu.arithmetic.PackedColumns;
import io.moetier.kernels.cpu.arithmetic.Results;
import io.moetier.kernels.cpu.arithmetic.Scratch;
import io.moetier.kernels.tensor.WeightMatrix;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/// Matrix times several columns on r16 weights.
///
/// A panel of weights of two tiles is decoded once to float32 ([WeightPanel]) and multiplied with all
/// columns, eight at a time: sixteen sums stay in registers while 32 columns of weights pass by, so that a
/// load of weights serves eight products and a broadcast of an activation two. Two tiles more than double the
/// speed of one, which loads as much as it computes.
///
/// A sum of 32 products is taken one by one and then added to the result, as [VectorGemv] does, so that a
/// column gives the same bits here and there. Quantised activations are whole numbers, as are the weights of
/// a panel that they are multiplied by; their sums stay below 2^24 and are exact in any order.
final class VectorGemm {
    private static final int ROWS = WeightMatrix.TILE_ROWS;
    private static final int TOGETHER = VectorColumns.TOGETHER;

    /// Sums of two tiles and eight columns.
    private static final int SUMS = 2 * TOGETHER * ROWS;

    private VectorGemm() {}

    /// As [io.moetier.kernels.cpu.arithmetic.Arithmetic#multiply], on columns that [VectorColumns] packed.
    static void multiply(WeightMatrix w, int from, int to, PackedColumns x, Results y, Scratch scratch) {
        int groups = (y.lastColumn - y.firstColumn + TOGETHER - 1) / TOGETHER;
        int pairs = (to - from + 1) / 2;
        float[] results = scratch.blocks(SUMS + pairs * groups * SUMS); // the sums, [pair][group][2][8][16]
        Arrays.fill(results, SUMS, SUMS + pairs * groups * SUMS, 0f);
        for (int k = 0; k < w.cols(); k += WeightPanel.COLUMNS) {
            int depth = Math.min(WeightPanel.COLUMNS, w.cols() - k);
            for (int pair = 0; pair < pairs; pair++) {
                int tile = from + 2 * pair;
                WeightPanel.decode(w, tile, k, depth, scratch, 0);
                if (tile + 1 < to) {
                    WeightPanel.decode(w, tile + 1, k, depth, scratch, 1);
                }
                for (int group = 0; group < groups; group++) {
                    int at = SUMS + (pair * groups + group) * SUMS;
                    multiply(w, k, depth, x, y.firstColumn + group * TOGETHER, results, at, scratch);
                }
            }
        }
        copy(results, to - from, groups, y);
    }

    /// Multiplies a panel by eight columns.
    private static void multiply(
            WeightMatrix w, int k, int depth, PackedColumns x, int column, float[] results, int at, Scratch scratch) {
        boolean rounds = VectorColumns.rounds(w.dtype());
        int first = k / VectorColumns.BLOCK;
        int count = Math.min(TOGETHER, x.n - column);
        for (int b = 0; b < depth; b += VectorColumns.BLOCK) {
            int length = Math.min(VectorColumns.BLOCK, depth - b);
            int block = b / VectorColumns.BLOCK;
            int xAt = VectorColumns.at(x, column, first + block);
            sum(scratch.weights, b * ROWS, x.floats, xAt, length, count, results);
            float[] columnScales = rounds ? x.scales : WeightPanel.ONES;
            int columnScalesAt = rounds ? VectorColumns.scaleAt(x, column, first + block) : 0;
            add(results, scratch.scales, block * ROWS, columnScales, columnScalesAt, at);
        }
        if (WeightPanel.hasOffsets(w.dtype())) {
            int sumsAt = VectorColumns.sumsAt(x) + VectorColumns.scaleAt(x, column, first);
            offsets(scratch.weights, x.scales, sumsAt, depth / VectorColumns.BLOCK, results, at);
        }
    }

    /// Adds the products of a panel's offsets with the sums of eight columns, in the order of the blocks.
    private static void offsets(float[] weights, float[] sums, int sumsAt, int blocks, float[] results, int at) {
        for (int i = 0; i < SUMS; i += WIDTH) {
            int column = i / ROWS % TOGETHER;
            int offsetsAt = WeightPanel.OFFSETS + i / (SUMS / 2) * WeightPanel.TILE + i % ROWS;
            FloatVector sum = FloatVector.zero(F);
            for (int b = 0; b < blocks; b++) {
                FloatVector offset = FloatVector.fromArray(F, weights, offsetsAt + b * ROWS);
                sum = offset.fma(FloatVector.broadcast(F, sums[sumsAt + b * TOGETHER + column]), sum);
            }
            sum.add(FloatVector.fromArray(F, results, at + i)).intoArray(results, at + i);
        }
    }

    private static void sum(float[] w, int wAt, float[] x, int xAt, int depth, int count, float[] sums) {
        for (int lane = 0; lane < ROWS; lane += WIDTH) {
            if (count > TOGETHER / 2) {
                eight(w, wAt + lane, x, xAt, depth, sums, lane);
            } else {
                four(w, wAt + lane, x, xAt, depth, sums, lane);
            }
        }
    }

    private static void eight(float[] w, int wAt, float[] x, int xAt, int depth, float[] sums, int at) {
        FloatVector s0 = FloatVector.zero(F), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
        FloatVector t0 = s0, t1 = s0, t2 = s0, t3 = s0, t4 = s0, t5 = s0, t6 = s0, t7 = s0;
        for (int k = 0; k < depth; k++) {
            FloatVector v = FloatVector.fromArray(F, w, wAt + k * ROWS);
            FloatVector u = FloatVector.fromArray(F, w, wAt + WeightPanel.TILE + k * ROWS);
            int e = xAt + k;
            FloatVector b = FloatVector.broadcast(F, x[e]);
            s0 = v.fma(b, s0);
            t0 = u.fma(b, t0);
            b = FloatVector.broadcast(F, x[e + 32]);
            s1 = v.fma(b, s1);
            t1 = u.fma(b, t1);
            b = FloatVector.broadcast(F, x[e + 64]);
            s2 = v.fma(b, s2);
            t2 = u.fma(b, t2);
            b = FloatVector.broadcast(F, x[e + 96]);
            s3 = v.fma(b, s3);
            t3 = u.fma(b, t3);
            b = FloatVector.broadcast(F, x[e + 128]);
            s4 = v.fma(b, s4);
            t4 = u.fma(b, t4);
            b = FloatVector.broadcast(F, x[e + 160]);
            s5 = v.fma(b, s5);
            t5 = u.fma(b, t5);
            b = FloatVector.broadcast(F, x[e + 192]);
            s6 = v.fma(b, s6);
            t6 = u.fma(b, t6);
            b = FloatVector.broadcast(F, x[e + 224]);
            s7 = v.fma(b, s7);
            t7 = u.fma(b, t7);
        }
        s0.intoArray(sums, at);
        s1.intoArray(sums, at + 16);
        s2.intoArray(sums, at + 32);
        s3.intoArray(sums, at + 48);
        s4.intoArray(sums, at + 64);
        s5.intoArray(sums, at + 80);
        s6.intoArray(sums, at + 96);
        s7.intoArray(sums, at + 112);
        t0.intoArray(sums, at + 128);
        t1.intoArray(sums, at + 144);
        t2.intoArray(sums, at + 160);
        t3.intoArray(sums, at + 176);
        t4.intoArray(sums, at + 192);
        t5.intoArray(sums, at + 208);
        t6.intoArray(sums, at + 224);
        t7.intoArray(sums, at + 240);
    }

    /// Leaves the sums of the other four columns as they are.
    private static void four(float[] w, int wAt, float[] x, int xAt, int depth, float[] sums, int at) {
        FloatVector s0 = FloatVector.zero(F), s1 = s0, s2 = s0, s3 = s0, t0 = s0, t1 = s0, t2 = s0, t3 = s0;
        for (int k = 0; k < depth; k++) {
            FloatVector v = FloatVector.fromArray(F, w, wAt + k * ROWS);
            FloatVector u = FloatVector.fromArray(F, w, wAt + WeightPanel.TILE + k * ROWS);
            int e = xAt + k;
            FloatVector b = FloatVector.broadcast(F, x[e]);
            s0 = v.fma(b, s0);
            t0 = u.fma(b, t0);
            b = FloatVector.broadcast(F, x[e + 32]);
            s1 = v.fma(b, s1);
            t1 = u.fma(b, t1);
            b = FloatVector.broadcast(F, x[e + 64]);
            s2 = v.fma(b, s2);
            t2 = u.fma(b, t2);
            b = FloatVector.broadcast(F, x[e + 96]);
            s3 = v.fma(b, s3);
            t3 = u.fma(b, t3);
        }
        s0.intoArray(sums, at);
        s1.intoArray(sums, at + 16);
        s2.intoArray(sums, at + 32);
        s3.intoArray(sums, at + 48);
        t0.intoArray(sums, at + 128);
        t1.intoArray(sums, at + 144);
        t2.intoArray(sums, at + 160);
        t3.intoArray(sums, at + 176);
    }

    /// Adds the sums at the start of `results`, each times the scales of its row and its column, to those at
    /// `at`.
    private static void add(float[] results, float[] scales, int scalesAt, float[] columnScales, int columnAt, int at) {
        for (int lane = 0; lane < ROWS; lane += WIDTH) {
            FloatVector first = FloatVector.fromArray(F, scales, scalesAt + lane);
            FloatVector second = FloatVector.fromArray(F, scales, scalesAt + WeightPanel.TILE_SCALES + lane);
            for (int j = 0; j < TOGETHER; j++) {
                FloatVector columnScale = FloatVector.broadcast(F, columnScales[columnAt + j]);
                int i = j * ROWS + lane;
                FloatVector.fromArray(F, results, i)
                        .fma(first.mul(columnScale), FloatVector.fromArray(F, results, at + i))
                        .intoArray(results, at + i);
                i += TOGETHER * ROWS;
                FloatVector.fromArray(F, results, i)
                        .fma(second.mul(columnScale), FloatVector.fromArray(F, results, at + i))
                        .intoArray(results, at + i);
            }
        }
    }

    private static void copy(float[] results, int tiles, int groups, Results y) {
        for (int column = 0; column < y.lastColumn - y.firstColumn; column++) {
            int at = y.at(y.firstColumn + column);
            for (int tile = 0; tile < tiles; tile++) {
                int group = tile / 2 * groups + column / TOGETHER;
                int from = SUMS + group * SUMS + (tile % 2 * TOGETHER + column % TOGETHER) * ROWS;
                for (int lane = 0; lane < ROWS; lane += WIDTH) {
                    FloatVector.fromArray(F, results, from + lane).intoArray(y.floats, at + tile * ROWS + lane);
                }
            }
        }
    }
}
