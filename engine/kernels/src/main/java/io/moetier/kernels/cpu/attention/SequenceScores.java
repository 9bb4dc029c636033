package io.moetier.kernels.cpu.attention;

import io.moetier.kernels.cpu.arithmetic.Scratch;
import io.moetier.kernels.cpu.pool.Cut;
import io.moetier.kernels.cpu.pool.WorkerPool;
import io.moetier.kernels.device.SequenceShape;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Attention over rows of keys and values. A unit of work is one head of one token, in plain loops: such models are
/// small, and their sequences short.
public final class SequenceScores implements WorkerPool.Job {
    private final Cut cut;
    private final float[][] scores; // of each thread
    private float[] q = new float[0];
    private float[] k = q;
    private float[] v = q;
    private float[] out = q;
    private float @Nullable [] bias;
    private @Nullable SequenceShape shape;
    private int firstPosition;
    private int numKeys;

    public SequenceScores(WorkerPool pool) {
        cut = new Cut(pool);
        scores = new float[pool.threads()][0];
    }

    /// As [io.moetier.kernels.device.Kernels#sequenceAttention].
    public void run(
            float[] q,
            int n,
            int firstPosition,
            float[] k,
            float[] v,
            int numKeys,
            SequenceShape shape,
            float @Nullable [] bias,
            float[] out) {
        this.q = q;
        this.firstPosition = firstPosition;
        this.k = k;
        this.v = v;
        this.numKeys = numKeys;
        this.shape = shape;
        this.bias = bias;
        this.out = out;
        cut.rows(this, n * shape.numHeads(), 8L * numKeys * shape.headDim());
    }

    @Override
    public void run(int part, int worker) {
        SequenceShape s = Objects.requireNonNull(shape);
        if (scores[worker].length < numKeys) {
            scores[worker] = Scratch.grown(scores[worker], numKeys);
        }
        for (int unit = cut.from(part); unit < cut.from(part + 1); unit++) {
            attend(s, unit / s.numHeads(), unit % s.numHeads(), scores[worker]);
        }
    }

    private void attend(SequenceShape s, int token, int head, float[] weights) {
        int position = firstPosition + token;
        int seen = s.causal() ? Math.min(position + 1, numKeys) : numKeys;
        int width = s.numHeads() * s.headDim();
        int at = token * width + head * s.headDim();
        float most = Float.NEGATIVE_INFINITY;
        for (int key = 0; key < seen; key++) {
            float score =
                    s.scale() * dot(at, key * width + head * s.headDim(), s.headDim()) + bias(s, head, key - position);
            weights[key] = score;
            most = Math.max(most, score);
        }
        float sum = 0;
        for (int key = 0; key < seen; key++) {
            weights[key] = (float) Math.exp(weights[key] - most);
            sum += weights[key];
        }
        add(weights, seen, sum, head * s.headDim(), width, at, s.headDim());
    }

    private float dot(int queryAt, int keyAt, int length) {
        float sum = 0;
        for (int i = 0; i < length; i++) {
            sum = Math.fma(q[queryAt + i], k[keyAt + i], sum);
        }
        return sum;
    }

    private float bias(SequenceShape s, int head, int distance) {
        if (bias == null) {
            return 0;
        }
        int reach = s.biasReach();
        return bias[head * (2 * reach + 1) + reach + Math.clamp(distance, -reach, reach)];
    }

    private void add(float[] weights, int seen, float sum, int valueAt, int width, int at, int length) {
        for (int i = 0; i < length; i++) {
            out[at + i] = 0;
        }
        for (int key = 0; key < seen; key++) {
            float weight = weights[key] / sum;
            int from = key * width + valueAt;
            for (int i = 0; i < length; i++) {
                out[at + i] += weight * v[from + i];
            }
        }
    }
}
