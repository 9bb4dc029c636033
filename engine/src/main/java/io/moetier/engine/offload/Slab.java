package io.moetier.engine.offload;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Anonymous memory cut into equal, page-aligned slots; the arena owns it.
///
/// Memory is taken from the system in pieces as slots are first used: Java zeroes what it allocates, and doing that
/// to a whole budget of many gigabytes before the first token would cost seconds. Thread-safe; the loaders call it,
/// so that zeroing does not stop the computation.
final class Slab {
    private static final long PAGE_BYTES = 4096;
    private static final long PIECE_BYTES = 16 << 20;

    private final Arena arena;
    private final long slotBytes;
    private final int slotsPerPiece;
    private final @Nullable MemorySegment[] slots;

    Slab(Arena arena, int numSlots, long slotBytes) {
        this.arena = arena;
        this.slotBytes = slotBytes;
        slotsPerPiece = (int) Math.max(1, PIECE_BYTES / slotBytes);
        slots = new @Nullable MemorySegment[numSlots];
    }

    long slotBytes() {
        return slotBytes;
    }

    /// Returns the memory of `slot`, always the same object.
    synchronized MemorySegment slot(int slot) {
        MemorySegment segment = slots[slot];
        if (segment == null) {
            allocatePieceOf(slot);
            segment = Objects.requireNonNull(slots[slot]);
        }
        return segment;
    }

    private void allocatePieceOf(int slot) {
        int first = slot - slot % slotsPerPiece;
        int end = Math.min(slots.length, first + slotsPerPiece);
        MemorySegment piece = arena.allocate((end - first) * slotBytes, PAGE_BYTES);
        for (int i = first; i < end; i++) {
            slots[i] = piece.asSlice((i - first) * slotBytes, slotBytes);
        }
    }
}
