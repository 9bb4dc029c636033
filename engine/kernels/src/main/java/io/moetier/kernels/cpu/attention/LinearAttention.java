package io.moetier.kernels.cpu.attention;

import io.moetier.kernels.cpu.arithmetic.MatrixRows;
import io.moetier.kernels.cpu.arithmetic.Scratch;
import io.moetier.kernels.cpu.pool.Cut;
import io.moetier.kernels.cpu.pool.WorkerPool;
import io.moetier.kernels.device.LinearAttentionShape;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Attention without softmax, cut by value heads; tokens follow each other.
///
/// The state of a head is copied to rows that are arrays of their own, once for all tokens: the compiler vectorises
/// loops over several arrays only where all of them start at element 0.
public final class LinearAttention implements WorkerPool.Job {
    private final Cut cut;
    private final Scratch[] scratch;
    private float[] q = new float[0];
    private float[] k = q;
    private float[] v = q;
    private float @Nullable [] step;
    private float @Nullable [] strength;
    private float[] rates = q;
    private int n;
    private LinearAttentionShape shape = new LinearAttentionShape(1, 1, 1, 1, false);
    private float[] state = q;
    private float[] out = q;

    public LinearAttention(WorkerPool pool, Scratch[] scratch) {
        cut = new Cut(pool);
        this.scratch = scratch;
    }

    /// As [io.moetier.kernels.device.Kernels#linearAttention].
    public void run(
            float[] q,
            float[] k,
            float[] v,
            float @Nullable [] step,
            float @Nullable [] strength,
            float[] rates,
            int n,
            LinearAttentionShape shape,
            float[] state,
            float[] out) {
        this.q = q;
        this.k = k;
        this.v = v;
        this.step = step;
        this.strength = strength;
        this.rates = rates;
        this.n = n;
        this.shape = shape;
        this.state = state;
        this.out = out;
        cut.rows(this, shape.numValueHeads(), (long) n * shape.keyDim() * shape.valueDim());
    }

    @Override
    public void run(int part, int worker) {
        MatrixRows rows = scratch[worker].matrixRows;
        rows.reserve(shape.keyDim(), shape.valueDim());
        for (int head = cut.from(part); head < cut.from(part + 1); head++) {
            int at = head * shape.keyDim() * shape.valueDim();
            rows.load(state, at);
            for (int t = 0; t < n; t++) {
                advance(rows, t, head);
            }
            rows.store(state, at);
        }
    }

    private void advance(MatrixRows rows, int t, int head) {
        int scalar = t * shape.numValueHeads() + head;
        int keyAt = (t * shape.numKeyHeads() + shape.keyHead(head)) * shape.keyDim();
        int valueAt = scalar * shape.valueDim();
        decays(rows.decays, head, scalar);
        float factor = strength == null ? 1 : strength[scalar];
        float[] write = rows.write;
        System.arraycopy(v, valueAt, write, 0, write.length);
        if (shape.delta()) {
            forget(rows, keyAt);
            scaleDifference(write, rows.read, factor);
            Arrays.fill(rows.decays, 1f);
        } else {
            scale(write, factor);
        }
        accumulate(rows, keyAt);
        System.arraycopy(rows.read, 0, out, valueAt, rows.read.length);
    }

    /// Of each row of a head's state.
    private void decays(float[] decays, int head, int scalar) {
        if (step == null || !shape.byElement()) {
            Arrays.fill(decays, decay(head, step == null ? 1 : step[scalar]));
            return;
        }
        for (int i = 0; i < decays.length; i++) {
            decays[i] = decay(head, step[scalar * decays.length + i]);
        }
    }

    private float decay(int head, float step) {
        return (float) Math.exp(-rates[head] * step);
    }

    /// `S = decays * S`, and `read = transpose(S) * k`.
    private void forget(MatrixRows rows, int keyAt) {
        Arrays.fill(rows.read, 0f);
        for (int i = 0; i < rows.state.length; i++) {
            forget(rows.state[i], rows.decays[i], k[keyAt + i], rows.read);
        }
    }

    private static void forget(float[] row, float decay, float key, float[] read) {
        for (int j = 0; j < row.length; j++) {
            float kept = decay * row[j];
            row[j] = kept;
            read[j] += key * kept;
        }
    }

    private static void scaleDifference(float[] write, float[] held, float factor) {
        for (int j = 0; j < write.length; j++) {
            write[j] = factor * (write[j] - held[j]);
        }
    }

    private static void scale(float[] write, float factor) {
        for (int j = 0; j < write.length; j++) {
            write[j] *= factor;
        }
    }

    /// `S = decays * S + outer(k, write)`, and `read = transpose(S) * q`.
    private void accumulate(MatrixRows rows, int keyAt) {
        Arrays.fill(rows.read, 0f);
        for (int i = 0; i < rows.state.length; i++) {
            accumulate(rows.state[i], rows.decays[i], k[keyAt + i], rows.write, q[keyAt + i], rows.read);
        }
    }

    private static void accumulate(float[] row, float decay, float key, float[] write, float query, float[] read) {
        for (int j = 0; j < row.length; j++) {
            float held = decay * row[j] + key * write[j];
            row[j] = held;
            read[j] += query * held;
        }
    }
}
