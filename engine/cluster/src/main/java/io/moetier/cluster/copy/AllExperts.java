package io.moetier.cluster.copy;

import io.moetier.storage.expert.BlockLayout;
import io.moetier.storage.expert.ExpertStore;
import io.moetier.storage.expert.PartialStore;
import io.moetier.storage.expert.StoreManifest;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// A whole store where it lies.
final class AllExperts implements NodeStore {
    private final ExpertStore store;
    private final int[] ids;

    AllExperts(ExpertStore store) {
        this.store = store;
        ids = store.experts().stream().mapToInt(id -> id.pack()).toArray();
    }

    @Override
    public String name() {
        return "the store on this disk";
    }

    @Override
    public StoreManifest manifest() {
        return store.manifest();
    }

    @Override
    public int[] onDisk() {
        return ids.clone();
    }

    @Override
    public Optional<PartialStore> growing() {
        return Optional.empty();
    }

    @Override
    public boolean has(int id) {
        return Arrays.binarySearch(ids, id) >= 0;
    }

    @Override
    public void read(int id, MemorySegment destination) {
        if (!has(id)) {
            throw new IllegalStateException("the model has no such expert: " + id);
        }
        store.read(id, destination);
    }

    @Override
    public void close() {
        store.close();
    }
}
