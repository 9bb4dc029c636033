package io.moetier.cluster.link;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;

/// Which of the experts that are or were a node's own it can compute, as it has said. Changed by one thread at a time,
/// and read by any.
final class Readiness {
    static final Readiness NONE = new Readiness(new int[0]);

    private final int[] ids; // ascending
    private final AtomicIntegerArray told; // the number of the message that told it, or 0, by place in ids

    private Readiness(int[] ids) {
        this.ids = ids;
        this.told = new AtomicIntegerArray(ids.length);
    }

    /// Returns the readiness of another assignment; what the node has said it can compute stays so, whoever has it now.
    Readiness of(int[] assigned) {
        IntStream ready = Arrays.stream(ids).filter(this::has);
        Readiness next = new Readiness(IntStream.concat(Arrays.stream(assigned), ready)
                .sorted()
                .distinct()
                .toArray());
        for (int i = 0; i < next.ids.length; i++) {
            int place = Arrays.binarySearch(ids, next.ids[i]);
            next.told.set(i, place >= 0 ? told.get(place) : 0);
        }
        return next;
    }

    boolean has(int id) {
        int place = Arrays.binarySearch(ids, id);
        return place >= 0 && told.get(place) > 0;
    }

    /// Notes that a node can compute experts, as far as they are or were its own.
    ///
    /// @param message the number of the message that says so, from 1
    void add(int[] ready, int message) {
        for (int id : ready) {
            int place = Arrays.binarySearch(ids, id);
            if (place >= 0) {
                told.set(place, message);
            }
        }
    }

    /// Notes that a node could not compute an expert, unless a message after `last` has said that it can.
    void remove(int id, int last) {
        int place = Arrays.binarySearch(ids, id);
        if (place >= 0 && told.get(place) <= last) {
            told.set(place, 0);
        }
    }
}
