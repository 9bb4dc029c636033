package io.moetier.engine.session;

import io.moetier.engine.offload.ExpertSource;
import io.moetier.storage.expert.ExpertStore;
import java.lang.foreign.MemorySegment;

/// The store as the host tier sees it: ids, sizes and reads.
record StoreSource(ExpertStore store) implements ExpertSource {
    @Override
    public int numSizeClasses() {
        return store.layouts().size();
    }

    @Override
    public int sizeClassOf(int id) {
        return store.sizeClassOf(id);
    }

    @Override
    public long slotBytes(int sizeClass) {
        return store.layouts().get(sizeClass).slotBytes();
    }

    @Override
    public int[] ids() {
        return store.experts().stream().mapToInt(id -> id.pack()).toArray();
    }

    @Override
    public void read(int id, MemorySegment slot) {
        store.read(id, slot);
    }
}
