package io.moetier.runtime.slots;

import io.moetier.kernels.device.Device;
import io.moetier.storage.memory.AnonymousMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Where the memory of slots comes from, and how it goes back.
public interface SlabMemory {
    /// Returns the owner of a piece.
    Arena newArena();

    /// Returns memory of a piece.
    ///
    /// @param arena of [#newArena()]
    MemorySegment allocate(long byteSize, Arena arena);

    /// Says whether single slots of so many bytes can be given back.
    default boolean givesSlots(long slotBytes) {
        return false;
    }

    /// Gives one slot back; its addresses stay. Returns false if that was refused.
    default boolean discard(MemorySegment slot) {
        throw new UnsupportedOperationException("pieces only");
    }

    /// Returns memory that a device computes from.
    static SlabMemory of(Device device) {
        return device.readsMainMemory() ? new Pages(device) : new Pieces(device);
    }

    /// Main memory, page by page.
    record Pages(Device device) implements SlabMemory {
        @Override
        public Arena newArena() {
            return device.newArena();
        }

        @Override
        public MemorySegment allocate(long byteSize, Arena arena) {
            return device.allocateSlab(byteSize, arena);
        }

        @Override
        public boolean givesSlots(long slotBytes) {
            return AnonymousMemory.canDiscard(slotBytes);
        }

        @Override
        public boolean discard(MemorySegment slot) {
            return AnonymousMemory.discard(slot);
        }
    }

    /// Memory of a device.
    record Pieces(Device device) implements SlabMemory {
        @Override
        public Arena newArena() {
            return device.newArena();
        }

        @Override
        public MemorySegment allocate(long byteSize, Arena arena) {
            return device.allocateSlab(byteSize, arena);
        }
    }

    /// Main memory that a device copies from, which is pinned as a piece.
    record Pinned(Device device) implements SlabMemory {
        @Override
        @SuppressWarnings("MustBeClosedChecker") // whoever asks for it owns it
        public Arena newArena() {
            return Arena.ofShared();
        }

        @Override
        public MemorySegment allocate(long byteSize, Arena arena) {
            return device.allocatePinned(byteSize, arena);
        }
    }
}
