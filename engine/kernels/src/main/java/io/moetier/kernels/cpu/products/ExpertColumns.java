package io.moetier.kernels.cpu.products;

import io.moetier.kernels.cpu.arithmetic.PackedColumns;
import io.moetier.kernels.device.ExpertBatch;
import java.util.Arrays;

/// Where the columns of the experts of a batch are packed, kept for the next ones.
///
/// The expert with the most columns gets the first place, and so on: batches that differ in which experts are popular
/// then need about the same. Where they do not, places are begun anew rather than all kept at their largest, so that no
/// more is kept than [#KEPT] times what the largest batch needed.
final class ExpertColumns {
    /// What is kept at most, in parts of what the largest batch needed.
    static final double KEPT = 1.5;

    private PackedColumns[] places = new PackedColumns[0];
    private long[] room = new long[0]; // the most activations that a place has had
    private int[] bySize = new int[0]; // experts, those with more columns first
    private PackedColumns[] placeOf = places;
    private long most; // activations of the largest batch

    /// Gives each expert of a batch a place for its inputs and for what it has between gate and down.
    void place(ExpertBatch batch) {
        int size = batch.size();
        if (places.length < size) {
            places = PackedColumns.grown(places, size);
            room = Arrays.copyOf(room, size);
            bySize = new int[size];
            placeOf = new PackedColumns[size];
        }
        sort(batch);
        long needed = 0;
        long kept = 0;
        for (int p = 0; p < places.length; p++) {
            long activations = p < size ? activations(batch, bySize[p]) : 0;
            needed += activations;
            room[p] = Math.max(room[p], activations);
            kept += room[p];
        }
        most = Math.max(most, needed);
        if (kept > KEPT * most) {
            beginAnew(batch);
        }
        for (int p = 0; p < size; p++) {
            placeOf[bySize[p]] = places[p];
        }
    }

    /// Returns the place of an expert of the batch.
    PackedColumns of(int expert) {
        return placeOf[expert];
    }

    long byteSize() {
        return PackedColumns.byteSize(places);
    }

    private void beginAnew(ExpertBatch batch) {
        for (int p = 0; p < places.length; p++) {
            places[p].clear();
            room[p] = p < batch.size() ? activations(batch, bySize[p]) : 0;
        }
    }

    /// Sorts the few experts of a batch.
    private void sort(ExpertBatch batch) {
        for (int e = 0; e < batch.size(); e++) {
            int at = e;
            while (at > 0 && batch.n(bySize[at - 1]) < batch.n(e)) {
                bySize[at] = bySize[at - 1];
                at--;
            }
            bySize[at] = e;
        }
    }

    private static long activations(ExpertBatch batch, int expert) {
        int widest =
                Math.max(batch.get(expert).up().cols(), batch.get(expert).up().rows());
        return (long) batch.n(expert) * widest;
    }
}
