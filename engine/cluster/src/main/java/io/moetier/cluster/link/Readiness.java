package io.moetier.cluster.link;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicIntegerArray;

/// Which of the experts that are a node's own it can compute, as it has said. Shareable between threads.
final class Readiness {
    static final Readiness NONE = new Readiness(new int[0]);

    private final int[] ids; // ascending
    private final AtomicIntegerArray ready; // 1 if it is, by place in ids

    private Readiness(int[] ids) {
        this.ids = ids;
        this.ready = new AtomicIntegerArray(ids.length);
    }

    /// Returns the readiness of another assignment; what is in both stays as it was.
    Readiness of(int[] assigned) {
        Readiness next =
                new Readiness(Arrays.stream(assigned).sorted().distinct().toArray());
        for (int i = 0; i < next.ids.length; i++) {
            if (has(next.ids[i])) {
                next.ready.set(i, 1);
            }
        }
        return next;
    }

    boolean has(int id) {
        int place = Arrays.binarySearch(ids, id);
        return place >= 0 && ready.get(place) == 1;
    }

    /// Notes that a node can compute experts, as far as they are still its own.
    void add(int[] told) {
        for (int id : told) {
            int place = Arrays.binarySearch(ids, id);
            if (place >= 0) {
                ready.set(place, 1);
            }
        }
    }
}
