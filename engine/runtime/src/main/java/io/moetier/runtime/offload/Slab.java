package io.moetier.runtime.offload;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/// Memory cut into equal slots. It belongs to whoever allocated it.
final class Slab {
    private final long slotBytes;
    private final List<MemorySegment> slots = new ArrayList<>();

    Slab(long slotBytes) {
        this.slotBytes = slotBytes;
    }

    /// Adds slots behind those that are there.
    ///
    /// @param memory of `numSlots * slotBytes` bytes
    void add(MemorySegment memory, int numSlots) {
        for (int i = 0; i < numSlots; i++) {
            slots.add(memory.asSlice(i * slotBytes, slotBytes));
        }
    }

    long slotBytes() {
        return slotBytes;
    }

    /// Returns the memory of `slot`, always the same object.
    MemorySegment slot(int slot) {
        return slots.get(slot);
    }
}
