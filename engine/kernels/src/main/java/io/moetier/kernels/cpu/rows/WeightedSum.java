package io.moetier.kernels.cpu.rows;

import io.moetier.kernels.cpu.pool.Cut;
import io.moetier.kernels.cpu.pool.WorkerPool;
import java.util.Arrays;

/// The weighted sum of what the experts of a token gave, by blocks of a row.
public final class WeightedSum implements WorkerPool.Job {
    private final Cut cut;
    private float[] expertRows = new float[0];
    private float[] weights = expertRows;
    private int perToken; // expert rows
    private int cols;
    private int blocksOfRow;
    private float[] out = expertRows;

    public WeightedSum(WorkerPool pool) {
        cut = new Cut(pool);
    }

    /// As [io.moetier.kernels.device.Kernels#weightedSum].
    public void run(float[] expertRows, float[] weights, int n, int perToken, int cols, float[] out) {
        this.expertRows = expertRows;
        this.weights = weights;
        this.perToken = perToken;
        this.cols = cols;
        this.blocksOfRow = Math.ceilDiv(cols, Cut.BLOCK);
        this.out = out;
        cut.rows(this, n * blocksOfRow, (long) perToken * Cut.BLOCK);
    }

    @Override
    public void run(int part, int worker) {
        for (int block = cut.from(part); block < cut.from(part + 1); block++) {
            int column = block % blocksOfRow * Cut.BLOCK;
            sum(block / blocksOfRow, column, Math.min(Cut.BLOCK, cols - column));
        }
    }

    /// Sums part of a row's inputs, one after another, two of them in one pass over the result.
    private void sum(int row, int column, int count) {
        int to = row * cols + column;
        int end = (row + 1) * perToken;
        int first = nextInput(row * perToken, end);
        int second = nextInput(first + 1, end);
        if (first >= end) {
            Arrays.fill(out, to, to + count, 0f);
            return;
        }
        int at = first * cols + column;
        if (second >= end) {
            Loops.scale(expertRows, at, weights[first], out, to, count);
            return;
        }
        scaleTwo(expertRows, at, weights[first], second * cols + column, weights[second], out, to, count);
        for (int next = nextInput(second + 1, end); next < end; next = nextInput(second + 1, end)) {
            second = nextInput(next + 1, end);
            at = next * cols + column;
            if (second < end) {
                addTwoScaled(expertRows, at, weights[next], second * cols + column, weights[second], out, to, count);
            } else {
                Loops.addScaled(expertRows, at, weights[next], out, to, count);
            }
        }
    }

    /// Returns the first input from `at` on whose weight is not zero, or one that is not below `end`.
    private int nextInput(int at, int end) {
        int input = at;
        while (input < end && weights[input] == 0) {
            input++;
        }
        return input;
    }

    /// `out = factor * x + otherFactor * other`, `other` being elsewhere in `x`.
    private static void scaleTwo(
            float[] x, int at, float factor, int otherAt, float otherFactor, float[] out, int outAt, int length) {
        for (int i = 0; i < length; i++) {
            out[outAt + i] = factor * x[at + i] + otherFactor * x[otherAt + i];
        }
    }

    /// `out = (out + factor * x) + otherFactor * other`, `other` being elsewhere in `x`.
    private static void addTwoScaled(
            float[] x, int at, float factor, int otherAt, float otherFactor, float[] out, int outAt, int length) {
        for (int i = 0; i < length; i++) {
            out[outAt + i] = out[outAt + i] + factor * x[at + i] + otherFactor * x[otherAt + i];
        }
    }
}
