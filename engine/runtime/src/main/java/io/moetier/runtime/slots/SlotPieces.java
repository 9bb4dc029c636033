package io.moetier.runtime.slots;

import io.moetier.kernels.device.Owned;
import io.moetier.storage.cache.ExpertCache;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// The memory of slots of one size, of which all but the least can be given back and taken again: slot by slot where
/// pages can go, else in pieces, sixteen at most. What the policy would have leave first goes first, and what went as a
/// piece comes again as one.
///
/// Giving back has two halves, and so has taking: one decides and one moves memory. The first half of giving and the
/// second of taking change the cache, and are called as it is, under its owner's lock if there is one; the others may
/// wait for a device, and are not. No two threads give and take at a time.
public final class SlotPieces {
    /// So that no more has to be given back than a sixteenth at a time.
    private static final int MOST_PIECES = 16;

    private static final int NONE = -1;

    private final ExpertCache cache;
    private final Slab slab;
    private final SlabMemory memory;
    private final List<SlabPiece> pieces = new ArrayList<>();
    private final int leastSlots;
    private boolean givesSlots; // until that is refused

    /// What is given back or taken: all of a piece, or one slot of it.
    ///
    /// @param slot -1 for all
    /// @param numSlots how many change
    /// @param byteSize of the memory that moves
    record Part(SlabPiece piece, int slot, int numSlots, long byteSize) {}

    /// Allocates all slots.
    ///
    /// @param slab without any slot yet
    /// @param leastSlots that are never given back
    public SlotPieces(ExpertCache cache, Slab slab, SlabMemory memory, int leastSlots) {
        this.cache = cache;
        this.slab = slab;
        this.memory = memory;
        this.leastSlots = leastSlots;
        givesSlots = memory.givesSlots(slab.slotBytes());
        int most = Math.ceilDiv(cache.numSlots() - leastSlots, MOST_PIECES - 1);
        try {
            for (int first = 0; first < cache.numSlots(); ) {
                SlabPiece piece =
                        new SlabPiece(first, first == 0 ? leastSlots : Math.min(most, cache.numSlots() - first));
                slab.add(allocate(piece), piece.numSlots());
                pieces.add(piece);
                first += piece.numSlots();
            }
        } catch (RuntimeException | Error e) {
            try (Owned.Resource _ = this::close) {
                throw e;
            }
        }
    }

    @SuppressWarnings("MustBeClosedChecker") // the piece owns it
    private MemorySegment allocate(SlabPiece piece) {
        Arena arena = memory.newArena();
        try {
            MemorySegment allocated = memory.allocate(Math.multiplyExact(piece.numSlots(), slab.slotBytes()), arena);
            piece.own(arena);
            return allocated;
        } catch (RuntimeException | Error e) {
            try (arena) {
                throw e;
            }
        }
    }

    /// Returns how many bytes of slots can be given back, pinned or not.
    long spareBytes() {
        return (cache.numSlots() - leastSlots) * slab.slotBytes();
    }

    /// Retires the slots of what is missed least, or returns null if nothing can go now; [#free(Part)] follows.
    ///
    /// @param addresses whether pages are not enough
    @Nullable
    Part retire(boolean addresses) {
        boolean bySlot = givesSlots && !addresses;
        Part empty = bySlot ? null : retiredPiece();
        if (empty != null) {
            return empty;
        }
        int slot = cache.coldest(candidate -> bySlot ? candidate >= leastSlots : mayGo(pieceOf(candidate)));
        if (slot == NONE) {
            return null;
        }
        SlabPiece piece = pieceOf(slot);
        if (bySlot) {
            retire(slot);
            return one(piece, slot);
        }
        return retire(piece);
    }

    private Part one(SlabPiece piece, int slot) {
        return new Part(piece, slot, 1, slab.slotBytes());
    }

    private Part all(SlabPiece piece, int numSlots) {
        return new Part(piece, NONE, numSlots, piece.numSlots() * slab.slotBytes());
    }

    private Part retire(SlabPiece piece) {
        int[] left = piece.slots().filter(slot -> !cache.isRetired(slot)).toArray();
        IntStream.of(left).forEach(this::retire);
        return all(piece, left.length);
    }

    private void retire(int slot) {
        cache.retire(slot);
        slab.retire(slot);
    }

    /// Returns a piece whose pages have all gone.
    private @Nullable Part retiredPiece() {
        return pieces.stream()
                .filter(piece -> !piece.isAway() && piece.slots().allMatch(cache::isRetired))
                .findFirst()
                .map(this::retire)
                .orElse(null);
    }

    private boolean mayGo(SlabPiece piece) {
        return piece.firstSlot() > 0 && !piece.isAway() && piece.slots().noneMatch(cache::isPinned);
    }

    private SlabPiece pieceOf(int slot) {
        int at = 0;
        while (slot >= pieces.get(at).firstSlot() + pieces.get(at).numSlots()) {
            at++;
        }
        return pieces.get(at);
    }

    /// Frees what [#retire(boolean)] has retired, and returns how many bytes that were; waits for the kernels that read
    /// it. If a slot cannot go alone, it goes with its piece, and so do all from then on.
    long free(Part part) {
        if (part.slot() == NONE) {
            part.piece().free();
            part.piece().slots().forEach(slab::free);
        } else if (memory.discard(slab.slot(part.slot()))) {
            slab.free(part.slot());
        } else {
            givesSlots = false;
            return 0;
        }
        return part.byteSize();
    }

    /// Returns what can be taken again first, or null if nothing is away; [#allocate(Part)] follows.
    @Nullable
    Part away() {
        int slot = IntStream.range(0, cache.numSlots() + numAway())
                .filter(cache::isRetired)
                .findFirst()
                .orElse(NONE);
        if (slot == NONE) {
            return null;
        }
        SlabPiece piece = pieceOf(slot);
        return piece.isAway() ? all(piece, piece.numSlots()) : one(piece, slot);
    }

    /// Returns the bytes of slots that are away.
    long awayBytes() {
        return numAway() * slab.slotBytes();
    }

    /// Returns the bytes of the largest part that may be taken again.
    long partBytes() {
        int most = pieces.stream()
                .filter(piece -> piece.isAway() || !givesSlots)
                .mapToInt(SlabPiece::numSlots)
                .max()
                .orElse(1);
        return most * slab.slotBytes();
    }

    /// Returns how many slots are in use.
    int numSlots() {
        return cache.numSlots();
    }

    private int numAway() {
        SlabPiece last = pieces.getLast();
        return last.firstSlot() + last.numSlots() - cache.numSlots();
    }

    /// Returns memory for a part that is away, to be handed to [#restore]; null if it is there.
    ///
    /// What the device throws that has none is thrown here; the part stays away.
    @Nullable
    MemorySegment allocate(Part part) {
        return part.piece().isAway() ? allocate(part.piece()) : null;
    }

    /// Takes the slots of a part into use again.
    ///
    /// @param allocated what [#allocate(Part)] has returned for it
    void restore(Part part, @Nullable MemorySegment allocated) {
        SlabPiece piece = part.piece();
        if (allocated != null) {
            slab.replace(piece.firstSlot(), allocated, piece.numSlots());
        }
        if (part.slot() == NONE) {
            piece.slots().forEach(this::restore);
        } else {
            restore(part.slot());
        }
    }

    private void restore(int slot) {
        cache.restore(slot);
        slab.restore(slot);
    }

    /// Frees all that is there.
    public void close() {
        pieces.forEach(SlabPiece::free);
    }
}
