package io.moetier.engine.offload;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// One slot's load. There is one per slot and it is used again, so that loading allocates nothing.
///
/// Concurrency: written by the computation until it is submitted, by one loader until it is finished, and read by the
/// computation after that; the queues of the [TransferScheduler] order these.
final class Transfer {
    private final Slab slab;
    private final int slot;
    private int id;
    private int index;
    private long nanos;
    private @Nullable MemorySegment block;
    private @Nullable Throwable failure;

    Transfer(Slab slab, int slot) {
        this.slab = slab;
        this.slot = slot;
    }

    /// Prepares to load expert `id`, which is at `index` in the request of the layer.
    Transfer of(int id, int index) {
        this.id = id;
        this.index = index;
        failure = null;
        nanos = 0;
        return this;
    }

    void run(ExpertSource source) {
        long start = System.nanoTime();
        try {
            MemorySegment target = slab.slot(slot);
            source.read(id, target);
            block = target;
        } catch (Throwable t) { // the top of a loader; the computation throws it again
            failure = t;
        }
        nanos = System.nanoTime() - start;
    }

    int slot() {
        return slot;
    }

    int index() {
        return index;
    }

    long nanos() {
        return nanos;
    }

    @Nullable
    Throwable failure() {
        return failure;
    }

    /// Returns the memory of the slot.
    ///
    /// @throws IllegalStateException if nothing was ever loaded into it
    MemorySegment block() {
        if (block == null) {
            throw new IllegalStateException("slot " + slot + " was never loaded");
        }
        return block;
    }
}
