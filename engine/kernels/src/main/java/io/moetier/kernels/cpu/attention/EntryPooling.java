package io.moetier.kernels.cpu.attention;

import io.moetier.kernels.cpu.pool.Cut;
import io.moetier.kernels.cpu.pool.WorkerPool;
import io.moetier.kernels.device.CompressedShape.Pooling;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The compression of positions to entries, cut by elements of an entry; tokens follow each other.
public final class EntryPooling implements WorkerPool.Job {
    private static final int LARGEST = 0; // parts of the state of an entry that has begun
    private static final int TOTAL = 1;
    private static final int SUM = 2;

    private final Cut cut;
    private float[] values = new float[0];
    private float[] gates = values;
    private float[] places = values;
    private int n;
    private int firstPosition;
    private @Nullable Pooling shape;
    private float[] state = values;
    private float[] out = values;

    public EntryPooling(WorkerPool pool) {
        cut = new Cut(pool);
    }

    /// As [io.moetier.kernels.device.Kernels#compress].
    public void run(
            float[] values,
            float[] gates,
            float[] places,
            int n,
            int firstPosition,
            Pooling shape,
            float[] state,
            float[] out) {
        this.values = values;
        this.gates = gates;
        this.places = places;
        this.n = n;
        this.firstPosition = firstPosition;
        this.shape = shape;
        this.state = state;
        this.out = out;
        cut.rows(this, shape.dim(), 8L * n * shape.width() / shape.dim());
    }

    @Override
    public void run(int part, int worker) {
        Pooling s = Objects.requireNonNull(shape);
        int from = cut.from(part);
        int length = cut.from(part + 1) - from;
        int own = s.overlaps() ? s.dim() : 0; // where a position's elements for its own entry are
        int entry = 0;
        for (int t = 0; t < n; t++) {
            int place = (firstPosition + t) % s.rate();
            int at = t * s.width() + from;
            int placeAt = place * s.width() + from;
            add(at + own, placeAt + own, from, length, s.dim());
            if (s.overlaps()) {
                add(at, placeAt, Pooling.PARTS * s.dim() + from, length, s.dim());
            }
            if (place == s.rate() - 1) {
                finish(from, length, s, entry * s.dim() + from);
                entry++;
            }
        }
    }

    /// Adds elements of a position to an entry that has begun.
    private void add(int at, int placeAt, int stateAt, int length, int dim) {
        for (int i = 0; i < length; i++) {
            float gate = gates[at + i] + places[placeAt + i];
            int largest = stateAt + LARGEST * dim + i;
            int total = stateAt + TOTAL * dim + i;
            int sum = stateAt + SUM * dim + i;
            float before = state[total] == 0 ? gate : state[largest];
            float most = Math.max(before, gate);
            float kept = (float) Math.exp(before - most);
            float weight = (float) Math.exp(gate - most);
            state[largest] = most;
            state[total] = state[total] * kept + weight;
            state[sum] = state[sum] * kept + weight * values[at + i];
        }
    }

    /// Gives the entry that is complete; the one behind it, if it has begun, takes its place.
    private void finish(int from, int length, Pooling s, int to) {
        for (int i = 0; i < length; i++) {
            out[to + i] = state[SUM * s.dim() + from + i] / state[TOTAL * s.dim() + from + i];
        }
        for (int partAt = from; partAt < Pooling.PARTS * s.dim(); partAt += s.dim()) {
            if (s.overlaps()) {
                int next = Pooling.PARTS * s.dim() + partAt;
                System.arraycopy(state, next, state, partAt, length);
                Arrays.fill(state, next, next + length, 0f);
            } else {
                Arrays.fill(state, partAt, partAt + length, 0f);
            }
        }
    }
}
