package io.moetier.kernels.device;

import static java.lang.foreign.ValueLayout.ADDRESS;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// Memory of what a layer keeps of each position, in chunks of [#POSITIONS] that are allocated when the first
/// of them is stored, and belong to an arena. Written by one thread at a time.
final class CacheChunks {
    static final int POSITIONS = KvLayer.CHUNK_POSITIONS;

    private static final int ALIGNMENT = 64;

    private final Arena arena;
    private final int capacity;
    private final long chunkBytes;
    private final String what;
    private final @Nullable MemorySegment[] chunks;
    private final MemorySegment addresses;
    private int count;

    /// @param capacity positions that may be stored
    /// @param what messages call what is stored
    CacheChunks(Arena arena, int capacity, long bytesPerPosition, String what) {
        this.arena = arena;
        this.capacity = capacity;
        this.what = what;
        chunkBytes = POSITIONS * bytesPerPosition;
        chunks = new @Nullable MemorySegment[Math.ceilDiv(capacity, POSITIONS)];
        addresses = Arena.ofAuto().allocate(ADDRESS, chunks.length);
    }

    int capacity() {
        return capacity;
    }

    /// Returns the bytes so far.
    long allocatedBytes() {
        return count * chunkBytes;
    }

    /// Allocates the chunks that hold positions below `positions`, and returns how many there were before.
    ///
    /// @throws IllegalArgumentException if `positions` is above the capacity
    int reserve(int positions) {
        requireRoom(positions, "was stored");
        int before = count;
        for (; count * POSITIONS < positions; count++) {
            MemorySegment added = arena.allocate(chunkBytes, ALIGNMENT);
            chunks[count] = added;
            addresses.setAtIndex(ADDRESS, count, added);
        }
        return before;
    }

    /// Returns how many chunks there are.
    int count() {
        return count;
    }

    /// Wants positions below `positions` to be stored.
    void requireStored(int positions) {
        requireRoom(positions, "is read");
        if (positions > 0) {
            get((positions - 1) / POSITIONS);
        }
    }

    private void requireRoom(int positions, String verb) {
        if (positions > capacity) {
            throw new IllegalArgumentException(
                    "the cache holds " + capacity + " positions, but position " + (positions - 1) + " " + verb);
        }
    }

    /// Returns the memory of positions `chunk * POSITIONS` and on.
    ///
    /// @throws IllegalStateException if nothing was stored there
    MemorySegment get(int chunk) {
        MemorySegment stored = chunks[chunk];
        if (stored == null) {
            throw new IllegalStateException("no " + what + " was stored at position " + chunk * POSITIONS);
        }
        return stored;
    }

    /// Returns where the chunks are, for native code and other devices; null where nothing was stored. The table itself
    /// is host memory, whatever the arena gives.
    MemorySegment addresses() {
        return addresses;
    }
}
