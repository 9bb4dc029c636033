package io.moetier.runtime.offload;

import java.lang.foreign.Arena;
import java.util.stream.IntStream;

/// A part of a [Slab] whose memory can be given back by itself.
///
/// @param arena owns the memory
record SlabPiece(int firstSlot, int numSlots, Arena arena) {
    IntStream slots() {
        return IntStream.range(firstSlot, firstSlot + numSlots);
    }
}
