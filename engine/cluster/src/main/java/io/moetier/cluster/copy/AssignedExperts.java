package io.moetier.cluster.copy;

import io.moetier.kernels.device.DeviceEvent;
import io.moetier.runtime.offload.ExpertSource;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.Tier;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/// Some experts of a model as the tier above the disk sees them, whether they are there yet or not.
final class AssignedExperts implements ExpertSource {
    private final NodeStore store;
    private final List<StoreManifest.SizeClass> sizeClasses;
    private final int[] ids;
    private final int[] known; // all experts of the model, ascending
    private final int[] sizeClassOf; // of each of these
    private final LossListener losses;

    /// @throws IllegalArgumentException if the model has no such expert
    AssignedExperts(NodeStore store, int[] ids, LossListener losses) {
        this.store = store;
        this.losses = losses;
        this.ids = ids.clone();
        StoreManifest manifest = store.manifest();
        sizeClasses = manifest.sizeClasses();
        known = manifest.experts().stream().mapToInt(entry -> entry.id().pack()).toArray();
        sizeClassOf = manifest.experts().stream()
                .mapToInt(StoreManifest.Entry::sizeClass)
                .toArray();
        for (int id : ids) {
            sizeClassOf(id);
        }
    }

    @Override
    public int[] ids() {
        return ids.clone();
    }

    @Override
    public int numSizeClasses() {
        return sizeClasses.size();
    }

    @Override
    public int sizeClassOf(int id) {
        int index = Arrays.binarySearch(known, id);
        if (index < 0) {
            throw new IllegalArgumentException("the model has no "
                    + (id < 0 ? "expert " + id : ExpertId.unpack(id).toString()));
        }
        return sizeClassOf[index];
    }

    @Override
    public long slotBytes(int sizeClass) {
        return sizeClasses.get(sizeClass).layout().slotBytes();
    }

    @Override
    public Tier read(int id, MemorySegment dst, DeviceEvent free) {
        free.synchronize();
        try {
            store.read(id, dst);
        } catch (MalformedModelException e) {
            if (!store.has(id)) {
                losses.onLoss(String.valueOf(e.getMessage()));
            }
            throw e;
        }
        return Tier.DISK;
    }
}
