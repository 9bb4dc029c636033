package io.moetier.runtime.slots;

import java.lang.foreign.Arena;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// A part of a [Slab] whose memory can be given back by itself, and allocated again.
final class SlabPiece {
    private final int firstSlot;
    private final int numSlots;
    private @Nullable Arena arena; // null while the memory is away

    SlabPiece(int firstSlot, int numSlots) {
        this.firstSlot = firstSlot;
        this.numSlots = numSlots;
    }

    int firstSlot() {
        return firstSlot;
    }

    int numSlots() {
        return numSlots;
    }

    IntStream slots() {
        return IntStream.range(firstSlot, firstSlot + numSlots);
    }

    boolean isAway() {
        return arena == null;
    }

    /// Notes who owns the memory from now on.
    void own(Arena owner) {
        arena = owner;
    }

    /// Frees the memory, if it is not away.
    void free() {
        Arena owner = arena;
        arena = null;
        if (owner != null) {
            owner.close();
        }
    }
}
