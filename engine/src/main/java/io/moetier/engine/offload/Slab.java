package io.moetier.engine.offload;

import io.moetier.storage.memory.AnonymousMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.LongStream;

/// Anonymous memory cut into equal, page-aligned slots; the arena owns it. Its pages come when they are first filled.
final class Slab {
    private final long slotBytes;
    private final List<MemorySegment> slots;

    Slab(Arena arena, int numSlots, long slotBytes) {
        this.slotBytes = slotBytes;
        MemorySegment memory = AnonymousMemory.allocate(Math.multiplyExact(numSlots, slotBytes), arena);
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
