package io.moetier.engine.offload;

import io.moetier.engine.device.Device;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.LongStream;

/// Memory of a device cut into equal, page-aligned slots; the arena owns it.
final class Slab {
    private final long slotBytes;
    private final List<MemorySegment> slots;

    Slab(Device device, Arena arena, int numSlots, long slotBytes) {
        this.slotBytes = slotBytes;
        MemorySegment memory = device.allocateSlab(Math.multiplyExact(numSlots, slotBytes), arena);
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
