package io.moetier.runtime.offload;

import io.moetier.kernels.device.DeviceEvent;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.Tier;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.IntConsumer;

/// Experts whose every long is their id; layers of even number are of size class 0, the others of class 1.
final class FakeSource implements ExpertSource {
    /// For requests that nothing is decided by the rows of.
    static final int[] NO_ROWS = {};

    /// Loads whatever is missing.
    static final Placement COPIED = new Placement(Misses.COPY, new MissCosts(Loaders.THREADS), 0);

    private final int[] ids;
    private final int numExperts;
    private final long[] slotBytes;
    private final AtomicIntegerArray reads;
    volatile IntConsumer beforeRead = id -> {};

    FakeSource(int numLayers, int numExperts, long... slotBytes) {
        this.numExperts = numExperts;
        this.slotBytes = slotBytes.clone();
        ids = new int[numLayers * numExperts];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = ExpertId.pack(i / numExperts, i % numExperts);
        }
        reads = new AtomicIntegerArray(ids.length);
    }

    @Override
    public int[] ids() {
        return ids;
    }

    @Override
    public int numSizeClasses() {
        return slotBytes.length;
    }

    @Override
    public int sizeClassOf(int id) {
        return ExpertId.layerOf(id) % slotBytes.length;
    }

    @Override
    public long slotBytes(int sizeClass) {
        return slotBytes[sizeClass];
    }

    @Override
    public Tier read(int id, MemorySegment dst, DeviceEvent free) {
        beforeRead.accept(id);
        reads.incrementAndGet(ExpertId.layerOf(id) * numExperts + ExpertId.expertOf(id));
        for (long i = 0; i < dst.byteSize(); i += Long.BYTES) {
            dst.set(ValueLayout.JAVA_LONG, i, id);
        }
        return Tier.DISK;
    }

    int readsOf(int layer, int expert) {
        return reads.get(layer * numExperts + expert);
    }

    static boolean holds(MemorySegment block, int id) {
        return block.get(ValueLayout.JAVA_LONG, 0) == id
                && block.get(ValueLayout.JAVA_LONG, block.byteSize() - Long.BYTES) == id;
    }
}
