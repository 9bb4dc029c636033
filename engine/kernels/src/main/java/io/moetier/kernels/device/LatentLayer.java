package io.moetier.kernels.device;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// The latents and rotated keys of one layer and one session, float16 or float32 and off-heap: all that multi-head
/// latent attention keeps of a position, whatever the number of heads.
/// Without a rotated key, a latent is key and value, as a row of compressed attention is.
///
/// Memory comes in chunks of [#CHUNK_POSITIONS] positions `[CHUNK_POSITIONS][latentDim + ropeDim]`, allocated when the
/// first of them is stored. It belongs to the arena, which kernel threads read from: it must be shared, automatic or
/// global, or a device's own, whose memory only that device's kernels read and write. Written by one thread at a time.
public final class LatentLayer {
    /// Positions of one chunk.
    public static final int CHUNK_POSITIONS = KvLayer.CHUNK_POSITIONS;

    private final KvType type;
    private final int latentDim;
    private final int ropeDim;
    private final CacheChunks chunks;

    /// @param capacity positions that may be stored
    public LatentLayer(Arena arena, KvType type, int capacity, int latentDim, int ropeDim) {
        if (capacity <= 0 || latentDim <= 0 || ropeDim < 0) {
            throw new IllegalArgumentException(
                    "capacity " + capacity + ", latentDim " + latentDim + ", ropeDim " + ropeDim);
        }
        this.type = type;
        this.latentDim = latentDim;
        this.ropeDim = ropeDim;
        this.chunks = new CacheChunks(arena, capacity, bytesPerPosition(type, latentDim, ropeDim), "latent");
    }

    /// Returns how many bytes one position of one layer takes.
    public static long bytesPerPosition(KvType type, int latentDim, int ropeDim) {
        return (long) type.bytes() * (latentDim + ropeDim);
    }

    /// Returns the bytes of the chunks so far.
    public long allocatedBytes() {
        return chunks.allocatedBytes();
    }

    /// Returns how elements are stored.
    public KvType type() {
        return type;
    }

    /// Returns how many positions may be stored.
    public int capacity() {
        return chunks.capacity();
    }

    /// Returns how many floats a latent has.
    public int latentDim() {
        return latentDim;
    }

    /// Returns how many floats follow the latent.
    public int ropeDim() {
        return ropeDim;
    }

    /// Allocates the chunks that hold positions below `positions`.
    ///
    /// @throws IllegalArgumentException if `positions` is above the capacity
    public void reserve(int positions) {
        chunks.reserve(positions);
    }

    /// Wants positions below `positions` to be stored.
    void requireStored(int positions) {
        chunks.requireStored(positions);
    }

    /// Returns the memory of positions `chunk * CHUNK_POSITIONS` and on.
    ///
    /// @throws IllegalStateException if nothing was stored there
    public MemorySegment chunk(int chunk) {
        return chunks.get(chunk);
    }

    /// Returns where the chunks are, for other devices; null where nothing was stored. The table itself is host memory.
    public MemorySegment addresses() {
        return chunks.addresses();
    }

    /// Returns element `d` of what is stored of a position: first the latent, then the rotated key.
    public float element(int position, int d) {
        MemorySegment segment = chunk(position / CHUNK_POSITIONS);
        long index = (long) (position % CHUNK_POSITIONS) * (latentDim + ropeDim) + d;
        return switch (type) {
            case F16 -> Float.float16ToFloat(segment.getAtIndex(JAVA_SHORT, index));
            case F32 -> segment.getAtIndex(JAVA_FLOAT, index);
        };
    }

    /// Stores the latent that starts at `latents[latentAt]` and the rotated key that starts at `keys[keyAt]`.
    public void store(int position, float[] latents, int latentAt, float[] keys, int keyAt) {
        MemorySegment segment = chunk(position / CHUNK_POSITIONS);
        long at = (long) (position % CHUNK_POSITIONS) * (latentDim + ropeDim);
        store(latents, latentAt, latentDim, segment, at);
        store(keys, keyAt, ropeDim, segment, at + latentDim);
    }

    /// Copies the `count` positions of another layer of the same shape from `from` on to position `to` and on.
    public void copy(LatentLayer other, int from, int count, int to) {
        long byteSize = bytesPerPosition(type, latentDim, ropeDim);
        for (int done = 0; done < count; ) {
            int source = from + done;
            int target = to + done;
            int room = CHUNK_POSITIONS - Math.max(source % CHUNK_POSITIONS, target % CHUNK_POSITIONS);
            int length = Math.min(count - done, room);
            MemorySegment.copy(
                    other.chunk(source / CHUNK_POSITIONS),
                    source % CHUNK_POSITIONS * byteSize,
                    chunk(target / CHUNK_POSITIONS),
                    target % CHUNK_POSITIONS * byteSize,
                    length * byteSize);
            done += length;
        }
    }

    private void store(float[] x, int from, int length, MemorySegment to, long at) {
        switch (type) {
            case F16 -> {
                for (int d = 0; d < length; d++) {
                    to.set(JAVA_SHORT, 2 * (at + d), KvType.half(x[from + d]));
                }
            }
            case F32 -> MemorySegment.copy(x, from, to, JAVA_FLOAT, 4 * at, length);
        }
    }
}
