package io.moetier.kernels.cpu.arithmetic;

import io.moetier.kernels.device.AttentionShape;
import io.moetier.kernels.device.AttentionSinks;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.LatentLayer;
import io.moetier.kernels.device.LatentShape;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.util.Arrays;

/// Straight loops that say what is computed. Sums are kept in double, so that the results are the reference for every
/// other implementation.
public final class PlainArithmetic implements Arithmetic {
    private static final int ROWS = WeightMatrix.TILE_ROWS;

    @Override
    public String description() {
        return "plain Java";
    }

    @Override
    public boolean rounds(DType dtype) {
        return false;
    }

    @Override
    public void reserve(DType dtype, int cols, int n, PackedColumns to) {
        to.reserve(n, cols, n * cols, 0, 0, 0);
    }

    @Override
    public void pack(DType dtype, float[] x, int xAt, PackedColumns to, int column) {
        System.arraycopy(x, xAt, to.floats, column * to.cols, to.cols);
    }

    @Override
    public void multiply(WeightMatrix w, int from, int to, PackedColumns x, Results y, Scratch scratch) {
        float[] weights = scratch.weights(w.cols() * (ROWS + 1));
        for (int tile = from; tile < to; tile++) {
            scratch.rowDecoder.decodeTile(w, tile, weights);
            double[] sums = scratch.exactSums;
            for (int column = y.firstColumn; column < y.lastColumn; column++) {
                Arrays.fill(sums, 0);
                for (int k = 0; k < w.cols(); k++) {
                    accumulate(weights, k, x.floats[column * w.cols() + k], sums);
                }
                store(sums, y.floats, y.at(column) + (tile - from) * ROWS);
            }
        }
    }

    private static void accumulate(float[] weights, int k, double x, double[] sums) {
        for (int row = 0; row < ROWS; row++) {
            sums[row] += weights[k * ROWS + row] * x;
        }
    }

    private static void store(double[] sums, float[] y, int at) {
        for (int row = 0; row < ROWS; row++) {
            y[at + row] = (float) sums[row];
        }
    }

    @Override
    public void swiGlu(Results gate, Results up, int length, Scratch scratch) {
        for (int column = gate.firstColumn; column < gate.lastColumn; column++) {
            swiGlu(gate.floats, gate.at(column), up.floats, up.at(column), length);
        }
    }

    private static void swiGlu(float[] gate, int gateAt, float[] up, int upAt, int length) {
        for (int i = 0; i < length; i++) {
            double g = gate[gateAt + i];
            gate[gateAt + i] = (float) (g / (1 + Math.exp(-g)) * up[upAt + i]);
        }
    }

    @Override
    public void rmsNorm(
            float[] x, int at, int rows, int cols, float[] weight, float eps, float[] out, Scratch scratch) {
        for (int row = 0; row < rows; row++) {
            rmsNorm(x, at + row * cols, cols, weight, eps, out);
        }
    }

    private static void rmsNorm(float[] x, int at, int cols, float[] weight, float eps, float[] out) {
        double sum = 0;
        for (int i = 0; i < cols; i++) {
            sum += (double) x[at + i] * x[at + i];
        }
        float factor = (float) (1 / Math.sqrt(sum / cols + eps));
        for (int i = 0; i < cols; i++) {
            out[at + i] = x[at + i] * factor * weight[i];
        }
    }

    @Override
    public void attend(
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
        for (int row = 0; row < rows; row++) {
            for (int head = 0; head < heads; head++) {
                int queryAt = at + (row * shape.numHeads() + head) * shape.headDim();
                attend(q, queryAt, position + row, shape, cache, kvHead, out, scratch);
            }
        }
    }

    private static void attend(
            float[] q,
            int at,
            int position,
            AttentionShape shape,
            KvLayer cache,
            int kvHead,
            float[] out,
            Scratch scratch) {
        int first = shape.firstVisible(position);
        int count = position + 1 - first;
        float[] scores = scratch.scores(count);
        for (int j = 0; j < count; j++) {
            scores[j] = score(q, at, shape, cache, kvHead, first + j);
        }
        AttentionSinks sinks = shape.sinks();
        float sink = sinks == null ? Float.NEGATIVE_INFINITY : sinks.logit(at / shape.headDim() % shape.numHeads());
        double sum = softmax(scores, count, sink);
        int to = at / shape.headDim() * shape.valueDim();
        for (int d = 0; d < shape.valueDim(); d++) {
            double value = 0;
            for (int j = 0; j < count; j++) {
                value += (double) scores[j] * cache.value(kvHead, first + j, d);
            }
            out[to + d] = (float) (value / sum);
        }
    }

    /// Makes weights of scores, relative to the largest, and returns their sum.
    ///
    /// @param sink one more score, without a value
    private static double softmax(float[] scores, int count, float sink) {
        float max = sink;
        for (int j = 0; j < count; j++) {
            max = Math.max(max, scores[j]);
        }
        double sum = Math.exp(sink - max);
        for (int j = 0; j < count; j++) {
            scores[j] = (float) Math.exp(scores[j] - max);
            sum += scores[j];
        }
        return sum;
    }

    private static float score(float[] q, int at, AttentionShape shape, KvLayer cache, int kvHead, int position) {
        double sum = 0;
        for (int d = 0; d < shape.headDim(); d++) {
            sum += (double) q[at + d] * cache.key(kvHead, position, d);
        }
        return (float) (sum * shape.scale());
    }

    @Override
    public void attendLatents(
            float[] absorbed,
            int at,
            float[] q,
            int qAt,
            int heads,
            int position,
            LatentShape shape,
            LatentLayer cache,
            float[] out,
            Scratch scratch) {
        int latentDim = shape.latentDim();
        float[] scores = scratch.scores(position + 1);
        for (int head = 0; head < heads; head++) {
            int rotatedAt = qAt + head * shape.queryDim() + shape.nopeDim();
            for (int j = 0; j <= position; j++) {
                double sum = dot(absorbed, at + head * latentDim, cache, j, 0, latentDim)
                        + dot(q, rotatedAt, cache, j, latentDim, shape.ropeDim());
                scores[j] = (float) (sum * shape.scale());
            }
            double total = softmax(scores, position + 1, sink(shape, at / latentDim + head));
            for (int d = 0; d < latentDim; d++) {
                double value = 0;
                for (int j = 0; j <= position; j++) {
                    value += (double) scores[j] * cache.element(j, d);
                }
                out[at + head * latentDim + d] = (float) (value / total);
            }
        }
    }

    private static float sink(LatentShape shape, int row) {
        AttentionSinks sinks = shape.sinks();
        return sinks == null ? Float.NEGATIVE_INFINITY : sinks.logit(row % shape.numHeads());
    }

    private static double dot(float[] q, int at, LatentLayer cache, int position, int from, int length) {
        double sum = 0;
        for (int d = 0; d < length; d++) {
            sum += (double) q[at + d] * cache.element(position, from + d);
        }
        return sum;
    }
}
