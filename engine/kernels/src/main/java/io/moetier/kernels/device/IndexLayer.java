package io.moetier.kernels.device;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The index keys of one layer and one session, float16 or float32 and off-heap: one for each position, by which the
/// keys are chosen that attention reads.
///
/// Memory comes in chunks of [KvLayer#CHUNK_POSITIONS] positions, allocated when the first of them is stored. A
/// chunk is a [WeightMatrix] whose rows are the keys, so that the products of queries and keys are those of a
/// matrix. It belongs to the arena, as that of a [KvLayer] does. Written by one thread at a time.
public final class IndexLayer {
    private static final int CHUNK_POSITIONS = KvLayer.CHUNK_POSITIONS;
    private static final int TILE = WeightMatrix.TILE_ROWS;

    private final KvType type;
    private final int dim;
    private final CacheChunks chunks;
    private final @Nullable WeightMatrix[] matrices; // what chunks are to products

    /// @param capacity positions that may be stored
    /// @param dim floats of a key
    public IndexLayer(Arena arena, KvType type, int capacity, int dim) {
        if (capacity <= 0 || dim <= 0) {
            throw new IllegalArgumentException("capacity " + capacity + ", dim " + dim);
        }
        this.type = type;
        this.dim = dim;
        chunks = new CacheChunks(arena, capacity, bytesPerPosition(type, dim), "index key");
        matrices = new @Nullable WeightMatrix[Math.ceilDiv(capacity, CHUNK_POSITIONS)];
    }

    /// Returns how many bytes one position of one layer takes.
    public static long bytesPerPosition(KvType type, int dim) {
        return (long) type.bytes() * dim;
    }

    /// Returns the bytes of the chunks so far.
    public long allocatedBytes() {
        return chunks.allocatedBytes();
    }

    /// Returns how elements are stored.
    public KvType type() {
        return type;
    }

    /// Returns how elements are stored, as weights are.
    public DType dtype() {
        return switch (type) {
            case F16 -> DType.F16;
            case F32 -> DType.F32;
        };
    }

    /// Returns how many floats a key has.
    public int dim() {
        return dim;
    }

    /// Allocates the chunks that hold positions below `positions`.
    ///
    /// @throws IllegalArgumentException if `positions` is above the capacity
    public void reserve(int positions) {
        for (int chunk = chunks.reserve(positions); chunk < chunks.count(); chunk++) {
            matrices[chunk] = new WeightMatrix(dtype(), CHUNK_POSITIONS, dim, chunks.get(chunk));
        }
    }

    /// Wants positions below `positions` to be stored.
    void requireStored(int positions) {
        chunks.requireStored(positions);
    }

    /// Returns the keys of positions `chunk * CHUNK_POSITIONS` and on.
    ///
    /// @throws IllegalStateException if nothing was stored there
    public WeightMatrix chunk(int chunk) {
        MemorySegment _ = chunks.get(chunk); // is there
        return Objects.requireNonNull(matrices[chunk]);
    }

    /// Returns where the chunks are, for other devices; null where nothing was stored. The table itself is host memory.
    public MemorySegment addresses() {
        return chunks.addresses();
    }

    /// Stores the key that starts at `keys[at]`.
    public void store(int position, float[] keys, int at) {
        MemorySegment segment = chunk(position / CHUNK_POSITIONS).bytes();
        int inChunk = position % CHUNK_POSITIONS;
        long to = (long) inChunk / TILE * TILE * dim + inChunk % TILE;
        for (int d = 0; d < dim; d++, to += TILE) {
            switch (type) {
                case F16 -> segment.set(JAVA_SHORT, 2 * to, KvType.half(keys[at + d]));
                case F32 -> segment.set(JAVA_FLOAT, 4 * to, keys[at + d]);
            }
        }
    }
}
