package io.moetier.kernels.device;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// The keys and values of one layer and one session, float16 or float32 and off-heap.
///
/// Memory comes in chunks of [#CHUNK_POSITIONS] positions, allocated when the first of them is stored, so a large
/// capacity costs nothing until it is used. Inside a chunk, heads are apart, and sixteen keys are interleaved so that
/// the scores of sixteen positions are the lanes of a vector:
///
/// * keys `[numKvHeads][CHUNK_POSITIONS / 16][headDim][16]`
/// * values `[numKvHeads][CHUNK_POSITIONS][valueDim]`
///
/// The memory belongs to the arena, which kernel threads read from: it must be shared, automatic or global, or a
/// device's own, whose memory only that device's kernels read and write. Written by one thread at a time.
public final class KvLayer {
    /// Positions of one chunk.
    public static final int CHUNK_POSITIONS = 256;

    /// Keys that are interleaved.
    public static final int TILE_KEYS = 16;

    private static final int ALIGNMENT = 64;

    private final Arena arena;
    private final KvType type;
    private final int capacity;
    private final int numKvHeads;
    private final int headDim;
    private final int valueDim;
    private final @Nullable MemorySegment[] keys;
    private final @Nullable MemorySegment[] values;
    private final MemorySegment addresses;

    /// Creates one whose values are as long as its keys.
    ///
    /// @param capacity positions that may be stored
    public KvLayer(Arena arena, KvType type, int capacity, int numKvHeads, int headDim) {
        this(arena, type, capacity, numKvHeads, headDim, headDim);
    }

    /// @param capacity positions that may be stored
    /// @param headDim elements of a key
    /// @param valueDim elements of a value
    public KvLayer(Arena arena, KvType type, int capacity, int numKvHeads, int headDim, int valueDim) {
        if (capacity <= 0 || numKvHeads <= 0 || headDim <= 0 || valueDim <= 0) {
            throw new IllegalArgumentException("capacity " + capacity + ", numKvHeads " + numKvHeads + ", headDim "
                    + headDim + ", valueDim " + valueDim);
        }
        this.arena = arena;
        this.type = type;
        this.capacity = capacity;
        this.numKvHeads = numKvHeads;
        this.headDim = headDim;
        this.valueDim = valueDim;
        int chunks = (capacity + CHUNK_POSITIONS - 1) / CHUNK_POSITIONS;
        this.keys = new @Nullable MemorySegment[chunks];
        this.values = new @Nullable MemorySegment[chunks];
        this.addresses = Arena.ofAuto().allocate(ADDRESS, 2L * chunks);
    }

    /// Returns how many bytes one position of one layer takes.
    public static long bytesPerPosition(KvType type, int numKvHeads, int headDim, int valueDim) {
        return (long) type.bytes() * numKvHeads * (headDim + valueDim);
    }

    /// Returns the bytes of the chunks so far.
    public long allocatedBytes() {
        long bytes = 0;
        for (int chunk = 0; chunk < keys.length && keys[chunk] != null; chunk++) {
            bytes += CHUNK_POSITIONS * bytesPerPosition(type, numKvHeads, headDim, valueDim);
        }
        return bytes;
    }

    /// Returns how elements are stored.
    public KvType type() {
        return type;
    }

    /// Returns how many positions may be stored.
    public int capacity() {
        return capacity;
    }

    /// Returns how many heads a position has.
    public int numKvHeads() {
        return numKvHeads;
    }

    /// Returns how many elements a key has.
    public int headDim() {
        return headDim;
    }

    /// Returns how many elements a value has.
    public int valueDim() {
        return valueDim;
    }

    /// Allocates the chunks that hold positions below `positions`.
    ///
    /// @throws IllegalArgumentException if `positions` is above the capacity
    public void reserve(int positions) {
        if (positions > capacity) {
            throw new IllegalArgumentException(
                    "the cache holds " + capacity + " positions, but position " + (positions - 1) + " was stored");
        }
        for (int chunk = 0; chunk * CHUNK_POSITIONS < positions; chunk++) {
            if (keys[chunk] == null) {
                long ofKeys = headOffset(numKvHeads) * type.bytes();
                long ofValues = valueOffset(numKvHeads) * type.bytes();
                // One piece for both is large enough for large pages sooner.
                MemorySegment both = arena.allocate(ofKeys + ofValues, ALIGNMENT);
                keys[chunk] = both.asSlice(0, ofKeys);
                values[chunk] = both.asSlice(ofKeys);
                addresses.setAtIndex(ADDRESS, 2L * chunk, keys(chunk));
                addresses.setAtIndex(ADDRESS, 2L * chunk + 1, values(chunk));
            }
        }
    }

    /// Wants positions below `positions` to be stored.
    void requireStored(int positions) {
        if (positions > capacity) {
            throw new IllegalArgumentException(
                    "the cache holds " + capacity + " positions, but position " + (positions - 1) + " is read");
        }
        if (positions > 0) {
            keys((positions - 1) / CHUNK_POSITIONS);
        }
    }

    /// Returns the keys of positions `chunk * CHUNK_POSITIONS` and on.
    ///
    /// @throws IllegalStateException if nothing was stored there
    public MemorySegment keys(int chunk) {
        return stored(keys[chunk], chunk);
    }

    /// Returns the values of positions `chunk * CHUNK_POSITIONS` and on.
    ///
    /// @throws IllegalStateException if nothing was stored there
    public MemorySegment values(int chunk) {
        return stored(values[chunk], chunk);
    }

    /// Returns where the chunks are, for native code and other devices: the address of the keys of each, then that of
    /// its values; null where nothing was stored. The table itself is host memory, whatever the arena gives.
    public MemorySegment addresses() {
        return addresses;
    }

    /// Returns where the keys of `head` start in a chunk, counted in elements.
    public long headOffset(int head) {
        return (long) head * CHUNK_POSITIONS * headDim;
    }

    /// Returns where the values of `head` start in a chunk, counted in elements.
    public long valueOffset(int head) {
        return (long) head * CHUNK_POSITIONS * valueDim;
    }

    /// Returns element `d` of a stored key. Slow; with [#value] the definition of the layout.
    public float key(int head, int position, int d) {
        int inChunk = position % CHUNK_POSITIONS;
        long tile = headOffset(head) + (long) inChunk / TILE_KEYS * TILE_KEYS * headDim;
        return element(keys(position / CHUNK_POSITIONS), tile + (long) d * TILE_KEYS + inChunk % TILE_KEYS);
    }

    /// Returns element `d` of a stored value.
    public float value(int head, int position, int d) {
        long row = valueOffset(head) + (long) (position % CHUNK_POSITIONS) * valueDim;
        return element(values(position / CHUNK_POSITIONS), row + d);
    }

    private float element(MemorySegment segment, long index) {
        return switch (type) {
            case F16 -> Float.float16ToFloat(segment.getAtIndex(JAVA_SHORT, index));
            case F32 -> segment.getAtIndex(JAVA_FLOAT, index);
        };
    }

    /// Stores the key and the value of one head at one position.
    ///
    /// @param k the key, starting at `k[at]`
    /// @param v the value, starting at `v[valueAt]`
    public void store(int position, int head, float[] k, int at, float[] v, int valueAt) {
        MemorySegment keyChunk = keys(position / CHUNK_POSITIONS);
        MemorySegment valueChunk = values(position / CHUNK_POSITIONS);
        int inChunk = position % CHUNK_POSITIONS;
        long key = headOffset(head) + keyOffset(inChunk);
        long value = valueOffset(head) + (long) inChunk * valueDim;
        switch (type) {
            case F16 -> {
                scatterHalves(k, at, keyChunk, 2 * key);
                storeHalves(v, valueAt, valueChunk, 2 * value);
            }
            case F32 -> {
                scatterFloats(k, at, keyChunk, 4 * key);
                MemorySegment.copy(v, valueAt, valueChunk, JAVA_FLOAT, 4 * value, valueDim);
            }
        }
    }

    /// Copies `count` positions of one head from position `first` on to the only head of this layer, at position `to`
    /// and on. Neither may go beyond a chunk.
    public void copy(KvLayer from, int head, int first, int count, int to) {
        int inSource = first % CHUNK_POSITIONS;
        int inTarget = to % CHUNK_POSITIONS;
        MemorySegment sourceKeys = from.keys(first / CHUNK_POSITIONS);
        MemorySegment targetKeys = keys(to / CHUNK_POSITIONS);
        long ofHead = from.headOffset(head);
        int size = type.bytes();
        MemorySegment.copy(
                from.values(first / CHUNK_POSITIONS),
                size * (from.valueOffset(head) + (long) inSource * valueDim),
                values(to / CHUNK_POSITIONS),
                size * (long) inTarget * valueDim,
                (long) size * count * valueDim);
        if (inSource % TILE_KEYS == 0 && inTarget % TILE_KEYS == 0) {
            long tiles = (long) (count + TILE_KEYS - 1) / TILE_KEYS * TILE_KEYS * headDim;
            long source = ofHead + (long) inSource * headDim;
            MemorySegment.copy(sourceKeys, size * source, targetKeys, size * (long) inTarget * headDim, size * tiles);
            return;
        }
        for (int i = 0; i < count; i++) {
            long source = ofHead + keyOffset(inSource + i);
            long target = keyOffset(inTarget + i);
            for (int d = 0; d < headDim; d++, source += TILE_KEYS, target += TILE_KEYS) {
                copyElement(sourceKeys, source, targetKeys, target);
            }
        }
    }

    private void copyElement(MemorySegment from, long source, MemorySegment to, long target) {
        switch (type) {
            case F16 -> to.set(JAVA_SHORT, 2 * target, from.get(JAVA_SHORT, 2 * source));
            case F32 -> to.set(JAVA_FLOAT, 4 * target, from.get(JAVA_FLOAT, 4 * source));
        }
    }

    /// Returns where the first element of a key lies among those of its head, counted in elements.
    private long keyOffset(int inChunk) {
        return (long) inChunk / TILE_KEYS * TILE_KEYS * headDim + inChunk % TILE_KEYS;
    }

    private void scatterHalves(float[] x, int from, MemorySegment to, long at) {
        for (int d = 0; d < headDim; d++) {
            to.set(JAVA_SHORT, at + 2L * TILE_KEYS * d, KvType.half(x[from + d]));
        }
    }

    private void storeHalves(float[] x, int from, MemorySegment to, long at) {
        for (int d = 0; d < valueDim; d++) {
            to.set(JAVA_SHORT, at + 2L * d, KvType.half(x[from + d]));
        }
    }

    private void scatterFloats(float[] x, int from, MemorySegment to, long at) {
        for (int d = 0; d < headDim; d++) {
            to.set(JAVA_FLOAT, at + 4L * TILE_KEYS * d, x[from + d]);
        }
    }

    private static MemorySegment stored(@Nullable MemorySegment segment, int chunk) {
        if (segment == null) {
            throw new IllegalStateException("no key or value was stored at position " + chunk * CHUNK_POSITIONS);
        }
        return segment;
    }
}
