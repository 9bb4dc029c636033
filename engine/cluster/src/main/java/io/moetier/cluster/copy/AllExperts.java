package io.moetier.cluster.copy;

import io.moetier.storage.expert.AbsentExpertException;
import io.moetier.storage.expert.ExpertStore;
import io.moetier.storage.expert.PartialStore;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.model.DamagedBlockException;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// A whole store where it lies. A block that turns out to be damaged is no longer there; one that the disk does not
/// give may be given the next time.
final class AllExperts implements NodeStore {
    private final ExpertStore store;
    private final int[] ids;
    private final Set<Integer> damaged = ConcurrentHashMap.newKeySet();

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
        return Arrays.stream(ids).filter(id -> !damaged.contains(id)).toArray();
    }

    @Override
    public Optional<PartialStore> growing() {
        return Optional.empty();
    }

    @Override
    public boolean has(int id) {
        return Arrays.binarySearch(ids, id) >= 0 && !damaged.contains(id);
    }

    @Override
    public void read(int id, MemorySegment destination) {
        if (!has(id)) {
            throw new AbsentExpertException("there is no such expert here: " + id);
        }
        try {
            store.read(id, destination);
        } catch (DamagedBlockException e) {
            damaged.add(id);
            throw e;
        }
    }

    @Override
    public void close() {
        store.close();
    }
}
