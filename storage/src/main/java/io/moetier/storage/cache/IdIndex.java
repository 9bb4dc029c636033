package io.moetier.storage.cache;

import io.moetier.storage.model.ExpertId;
import java.util.Arrays;

/// Maps the packed ids of one cache to 0, 1, 2, … in the order given, so that all else can be an array. Immutable.
final class IdIndex {
    private static final int EMPTY = -1;

    private final int[] ids;
    private final int[] table;

    /// @throws IllegalArgumentException if an id appears twice
    IdIndex(int[] ids) {
        this.ids = ids.clone();
        // At most half full, so that a probe for an absent id always ends.
        table = new int[Integer.highestOneBit(Math.max(ids.length, 1)) * 4];
        Arrays.fill(table, EMPTY);
        for (int i = 0; i < ids.length; i++) {
            int bucket = bucketOf(ids[i]);
            if (table[bucket] != EMPTY) {
                throw new IllegalArgumentException(ExpertId.unpack(ids[i]) + " is listed twice");
            }
            table[bucket] = i;
        }
    }

    int size() {
        return ids.length;
    }

    int id(int index) {
        return ids[index];
    }

    /// @throws IllegalArgumentException if `id` was not given to the constructor
    int indexOf(int id) {
        int index = table[bucketOf(id)];
        if (index == EMPTY) {
            throw new IllegalArgumentException("unknown expert id " + id);
        }
        return index;
    }

    private int bucketOf(int id) {
        int mask = table.length - 1;
        // Multiplying by the golden ratio spreads ids that differ only in the layer's high bits.
        int spread = id * 0x9E3779B9;
        int bucket = (spread ^ spread >>> 16) & mask;
        while (table[bucket] != EMPTY && ids[table[bucket]] != id) {
            bucket = (bucket + 1) & mask;
        }
        return bucket;
    }
}
