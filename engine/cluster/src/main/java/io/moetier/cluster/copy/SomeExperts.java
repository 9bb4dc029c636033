package io.moetier.cluster.copy;

import io.moetier.storage.expert.PartialStore;
import io.moetier.storage.expert.StoreManifest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/// The experts that have come to this machine so far.
record SomeExperts(PartialStore store) implements NodeStore {
    @Override
    public String name() {
        return "the experts on this disk";
    }

    @Override
    public StoreManifest manifest() {
        return store.manifest();
    }

    @Override
    public int[] onDisk() {
        return store.ids();
    }

    @Override
    public Optional<PartialStore> growing() {
        return Optional.of(store);
    }

    @Override
    public boolean has(int id) {
        return store.has(id);
    }

    @Override
    public void read(int id, MemorySegment destination) {
        store.read(id, destination);
    }

    @Override
    public void close() {
        try {
            store.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
