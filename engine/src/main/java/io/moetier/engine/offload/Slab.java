package io.moetier.engine.offload;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.LongStream;

/// Memory cut into equal, page-aligned slots. It belongs to whoever allocated it.
final class Slab {
    private final long slotBytes;
    private final List<MemorySegment> slots;

    /// @param memory of `numSlots * slotBytes` bytes
    Slab(MemorySegment memory, int numSlots, long slotBytes) {
        this.slotBytes = slotBytes;
        slots = LongStream.range(0, numSlots)
                .mapToObj(slot -> memory.asSlice(slot * slotBytes, slotBytes))
                .toList();
    }

    long slotBytes() {
        return slotBytes;
    }

    /// Returns the memory of `slot`, always the same object.
    MemorySegment slot(int slot) {
        return slots.get(slot);
    }
}
