package io.moetier.kernels.device;

import io.moetier.kernels.tensor.RowDecoder;
import io.moetier.kernels.tensor.WeightMatrix;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// What the operations of [Kernels] compute, written down as slowly and plainly as the formulas, in double. It shares
/// nothing with any backend but how weights and caches are stored.
final class Reference {
    private Reference() {}

    /// Returns the weights of a matrix, `[rows][cols]`.
    static double[] weights(WeightMatrix w) {
        float[] row = new float[w.cols()];
        double[] weights = new double[w.rows() * w.cols()];
        RowDecoder decoder = new RowDecoder();
        for (int i = 0; i < w.rows(); i++) {
            decoder.decode(w, i, row, 0);
            for (int k = 0; k < row.length; k++) {
                weights[i * row.length + k] = row[k];
            }
        }
        return weights;
    }

    static double[] doubles(float[] floats) {
        double[] doubles = new double[floats.length];
        for (int i = 0; i < floats.length; i++) {
            doubles[i] = floats[i];
        }
        return doubles;
    }

    /// Returns row `from / cols` and on of `x` times each row of `w`; with `absolute`, the sums of absolute terms.
    static double[] product(double[] weights, int cols, double[] x, boolean absolute) {
        int rows = weights.length / cols;
        double[] out = new double[x.length / cols * rows];
        for (int i = 0; i < out.length; i++) {
            int row = i % rows * cols;
            int column = i / rows * cols;
            double sum = 0;
            for (int k = 0; k < cols; k++) {
                double term = weights[row + k] * x[column + k];
                sum += absolute ? Math.abs(term) : term;
            }
            out[i] = sum;
        }
        return out;
    }

    static double[] rmsNorm(float[] x, int cols, float[] weight, float eps) {
        double[] out = new double[x.length];
        for (int row = 0; row < x.length; row += cols) {
            double squares = 0;
            for (int i = 0; i < cols; i++) {
                squares += (double) x[row + i] * x[row + i];
            }
            for (int i = 0; i < cols; i++) {
                out[row + i] = x[row + i] / Math.sqrt(squares / cols + eps) * weight[i];
            }
        }
        return out;
    }

    static double[] layerNorm(float[] x, int cols, float[] weight, float @Nullable [] bias, float eps) {
        double[] out = new double[x.length];
        for (int row = 0; row < x.length; row += cols) {
            double sum = 0;
            for (int i = 0; i < cols; i++) {
                sum += x[row + i];
            }
            double mean = sum / cols;
            double squares = 0;
            for (int i = 0; i < cols; i++) {
                squares += (x[row + i] - mean) * (x[row + i] - mean);
            }
            for (int i = 0; i < cols; i++) {
                out[row + i] = (x[row + i] - mean) / Math.sqrt(squares / cols + eps) * weight[i];
                out[row + i] += bias == null ? 0 : bias[i];
            }
        }
        return out;
    }

    static double activated(Activation activation, double x) {
        return switch (activation) {
            case SIGMOID -> 1 / (1 + Math.exp(-x));
            case SILU -> x / (1 + Math.exp(-x));
            case SOFTPLUS -> x > 50 ? x : Math.log1p(Math.exp(x));
            case GELU -> x * (1 + errorFunction(x * Math.sqrt(0.5))) / 2;
            case GELU_TANH -> x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))) / 2;
            case TANH -> Math.tanh(x);
        };
    }

    /// By its series, whose terms all have one sign; 1 to the last bit from 6 on.
    private static double errorFunction(double x) {
        if (Math.abs(x) > 6) {
            return Math.signum(x);
        }
        double term = 2 * x / Math.sqrt(Math.PI) * Math.exp(-x * x);
        double sum = term;
        for (int n = 1; n < 300; n++) {
            term *= 2 * x * x / (2 * n + 1);
            sum += term;
        }
        return sum;
    }

    /// Rotates pairs of each head by angles `position * 10000^(-2i / rotaryDim)`.
    static double[] rope(float[] x, int heads, int headDim, int from, int first, int rotaryDim, boolean interleaved) {
        double[] out = doubles(x);
        int half = rotaryDim / 2;
        for (int head = 0; head < x.length / headDim; head++) {
            for (int i = 0; i < half; i++) {
                double angle = (first + head / heads) * Math.pow(10000, -2.0 * i / rotaryDim);
                int at = head * headDim + from + (interleaved ? 2 * i : i);
                int other = at + (interleaved ? 1 : half);
                out[at] = x[at] * Math.cos(angle) - x[other] * Math.sin(angle);
                out[other] = x[other] * Math.cos(angle) + x[at] * Math.sin(angle);
            }
        }
        return out;
    }

    /// Returns what a cache keeps of some floats.
    static double[] stored(KvType type, float[] x) {
        double[] stored = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            stored[i] = type == KvType.F16 ? Float.float16ToFloat(KvType.half(x[i])) : x[i];
        }
        return stored;
    }

    /// @param k what is stored `[positions, numKvHeads, headDim]`; `v` likewise, of `valueDim`
    /// @param first the position of the first query
    static double[] attention(float[] q, int first, AttentionShape shape, double[] k, double[] v) {
        int dim = shape.headDim();
        int valueDim = shape.valueDim();
        double[] out = new double[q.length / dim * valueDim];
        for (int unit = 0; unit < q.length / dim; unit++) {
            int head = unit % shape.numHeads();
            int position = first + unit / shape.numHeads();
            int kvHead = shape.tiledHeads() ? head % shape.numKvHeads() : head * shape.numKvHeads() / shape.numHeads();
            AttentionSinks sinks = shape.sinks();
            double total = sinks == null ? 0 : Math.exp(sinks.logit(head));
            for (int j = 0; j <= position; j++) {
                boolean seen = shape.visible().slidingWindow() == 0
                        || j > position - shape.visible().slidingWindow();
                seen &= shape.visible().chunk() == 0
                        || j / shape.visible().chunk()
                                == position / shape.visible().chunk();
                if (seen) {
                    int row = j * shape.numKvHeads() + kvHead;
                    double weight = Math.exp(dot(q, unit * dim, k, row * dim, dim) * shape.scale());
                    total += weight;
                    addWeighted(out, unit * valueDim, weight, v, row * valueDim, valueDim);
                }
            }
            divide(out, unit * valueDim, total, valueDim);
        }
        return out;
    }

    /// @param latents what is stored `[positions, latentDim]`; `keys` likewise `[positions, ropeDim]`
    static double[] latentAttention(
            float[] absorbed, float[] q, int first, LatentShape shape, double[] latents, double[] keys) {
        int dim = shape.latentDim();
        double[] out = new double[absorbed.length];
        for (int unit = 0; unit < absorbed.length / dim; unit++) {
            double total = 0;
            for (int j = 0; j <= first + unit / shape.numHeads(); j++) {
                int rotated = unit * shape.queryDim() + shape.nopeDim();
                double score = dot(absorbed, unit * dim, latents, j * dim, dim)
                        + dot(q, rotated, keys, j * shape.ropeDim(), shape.ropeDim());
                double weight = Math.exp(score * shape.scale());
                total += weight;
                addWeighted(out, unit * dim, weight, latents, j * dim, dim);
            }
            divide(out, unit * dim, total, dim);
        }
        return out;
    }

    /// The scores of positions, or of blocks for the head of a list.
    ///
    /// @param list counted over tokens and their lists, whose query is at `position`
    /// @param keys what is stored `[positions, dim]`
    static double[] indexScores(
            float[] q, float @Nullable [] weights, int list, int position, IndexShape shape, double[] keys) {
        KeyBlocks blocks = shape.blocks();
        double[] scores = new double[blocks.begun(position)];
        Arrays.fill(scores, weights == null ? Double.NEGATIVE_INFINITY : 0);
        for (int j = 0; j < blocks.seen(position); j++) {
            if (weights == null) {
                double product = dot(q, list * shape.dim(), keys, j * shape.dim(), shape.dim());
                scores[j / blocks.length()] = Math.max(scores[j / blocks.length()], product);
                continue;
            }
            for (int head = list * shape.numHeads(); head < (list + 1) * shape.numHeads(); head++) {
                double product = dot(q, head * shape.dim(), keys, j * shape.dim(), shape.dim());
                scores[j] += weights[head] * Math.max(product, 0);
            }
        }
        if (weights == null) {
            scores[scores.length - 1] = Double.POSITIVE_INFINITY;
        }
        return scores;
    }

    static double[] sequenceAttention(
            float[] q, int first, float[] k, float[] v, SequenceShape shape, float @Nullable [] bias) {
        int dim = shape.headDim();
        int reach = shape.biasReach();
        double[] keys = doubles(k);
        double[] values = doubles(v);
        double[] out = new double[q.length];
        for (int unit = 0; unit < q.length / dim; unit++) {
            int head = unit % shape.numHeads();
            int position = first + unit / shape.numHeads();
            double total = 0;
            for (int j = 0; j < k.length / (shape.numHeads() * dim); j++) {
                if (!shape.causal() || j <= position) {
                    int at = (j * shape.numHeads() + head) * dim;
                    double score = shape.scale() * dot(q, unit * dim, keys, at, dim);
                    int distance = Math.max(-reach, Math.min(reach, j - position));
                    score += bias == null ? 0 : bias[head * (2 * reach + 1) + reach + distance];
                    total += Math.exp(score);
                    addWeighted(out, unit * dim, Math.exp(score), values, at, dim);
                }
            }
            divide(out, unit * dim, total, dim);
        }
        return out;
    }

    private static double dot(float[] q, int at, double[] k, int keyAt, int length) {
        double sum = 0;
        for (int d = 0; d < length; d++) {
            sum += q[at + d] * k[keyAt + d];
        }
        return sum;
    }

    private static void addWeighted(double[] out, int at, double weight, double[] v, int valueAt, int length) {
        for (int d = 0; d < length; d++) {
            out[at + d] += weight * v[valueAt + d];
        }
    }

    private static void divide(double[] out, int at, double total, int length) {
        for (int d = 0; d < length; d++) {
            out[at + d] /= total;
        }
    }

    /// The state stays in `state`, as that of the other recurrences.
    static double[] convolution(double[] x, int channels, float[] taps, float @Nullable [] bias, double[] state) {
        int newest = taps.length - channels;
        double[] out = new double[x.length];
        for (int t = 0; t < x.length / channels; t++) {
            System.arraycopy(state, channels, state, 0, newest);
            System.arraycopy(x, t * channels, state, newest, channels);
            for (int i = 0; i < channels; i++) {
                out[t * channels + i] = bias == null ? 0 : bias[i];
                for (int tap = i; tap < taps.length; tap += channels) {
                    out[t * channels + i] += taps[tap] * state[tap];
                }
            }
        }
        return out;
    }

    static double[] scan(float[] x, float[] step, float[] b, float[] c, int channels, float[] rates, double[] state) {
        int size = rates.length / channels;
        double[] out = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            for (int s = 0; s < size; s++) {
                int t = i / channels;
                int at = s * channels + i % channels;
                double kept = Math.exp(-rates[at] * (double) step[i]) * state[at];
                state[at] = kept + (double) step[i] * x[i] * b[t * size + s];
                out[i] += c[t * size + s] * state[at];
            }
        }
        return out;
    }

    static double[] linearAttention(
            float[][] qkv,
            float @Nullable [] step,
            float @Nullable [] strength,
            float[] rates,
            LinearAttentionShape shape,
            double[] state) {
        int dim = shape.valueDim();
        double[] out = new double[qkv[2].length];
        for (int unit = 0; unit < out.length / dim; unit++) { // token by token, and in it head by head
            int head = unit % shape.numValueHeads();
            int keyHead =
                    shape.inTurns() ? head % shape.numKeyHeads() : head / (shape.numValueHeads() / shape.numKeyHeads());
            int keyAt = (unit / shape.numValueHeads() * shape.numKeyHeads() + keyHead) * shape.keyDim();
            double factor = strength == null ? 1 : strength[unit];
            for (int j = 0; j < dim; j++) {
                double held = 0;
                for (int i = 0; i < shape.keyDim(); i++) {
                    int at = (head * shape.keyDim() + i) * dim + j;
                    int stepAt = shape.byElement() ? unit * shape.keyDim() + i : unit;
                    state[at] *= Math.exp(-rates[head] * (step == null ? 1.0 : step[stepAt]));
                    held += state[at] * qkv[1][keyAt + i];
                }
                double written = factor * (qkv[2][unit * dim + j] - (shape.delta() ? held : 0));
                for (int i = 0; i < shape.keyDim(); i++) {
                    int at = (head * shape.keyDim() + i) * dim + j;
                    state[at] += qkv[1][keyAt + i] * written;
                    out[unit * dim + j] += qkv[0][keyAt + i] * state[at];
                }
            }
        }
        return out;
    }

    /// Returns what comes between gate and down, of one element.
    static double gated(FfnActivation activation, double gate, double up) {
        return switch (activation) {
            case FfnActivation.SwiGlu() -> gate / (1 + Math.exp(-gate)) * up;
            case FfnActivation.ClampedSwiGlu(float limit, float alpha) -> {
                double g = Math.min(gate, limit);
                yield g / (1 + Math.exp(-alpha * g)) * (Math.max(-limit, Math.min(limit, up)) + 1);
            }
            case FfnActivation.LimitedSwiGlu(float limit) -> {
                double g = Math.min(gate, limit);
                yield g / (1 + Math.exp(-g)) * Math.max(-limit, Math.min(limit, up));
            }
            case FfnActivation.CappedSwiGlu(float limit) ->
                Math.min(gate / (1 + Math.exp(-gate)), limit) * Math.max(-limit, Math.min(limit, up));
            case FfnActivation.GeGlu() ->
                0.5 * gate * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (gate + 0.044715 * gate * gate * gate))) * up;
            case FfnActivation.Relu() -> Math.max(up, 0);
            case FfnActivation.SquaredRelu() -> Math.max(up, 0) * Math.max(up, 0);
        };
    }

    /// Returns the indices of the `k` largest, as [Largest] orders them.
    static int[] largest(float[] x, int k) {
        return IntStream.range(0, x.length)
                .boxed()
                .filter(i -> x[i] != Float.NEGATIVE_INFINITY)
                .sorted((i, j) -> {
                    int order = Float.compare(x[j] + 0f, x[i] + 0f); // NaN is the largest, and the zeros are equal
                    return order == 0 ? Integer.compare(i, j) : order;
                })
                .limit(k)
                .mapToInt(Integer::intValue)
                .toArray();
    }

    static double largestOf(double[] values) {
        return Arrays.stream(values).map(Math::abs).max().orElse(0);
    }
}
