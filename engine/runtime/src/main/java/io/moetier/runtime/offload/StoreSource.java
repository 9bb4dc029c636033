package io.moetier.runtime.offload;

import io.moetier.kernels.device.DeviceEvent;
import io.moetier.runtime.metrics.Counters;
import io.moetier.storage.expert.ExpertStore;
import io.moetier.storage.model.Tier;
import java.lang.foreign.MemorySegment;

/// The store as the tier above it sees it: ids, sizes and reads.
///
/// @param counters tell who listens what is read
public record StoreSource(ExpertStore store, Counters counters) implements ExpertSource {
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
    public Tier read(int id, MemorySegment slot, DeviceEvent free) {
        free.synchronize();
        long start = System.nanoTime();
        store.read(id, slot);
        counters.activity().onRead(id, slot.byteSize(), start, System.nanoTime());
        return Tier.DISK;
    }
}
