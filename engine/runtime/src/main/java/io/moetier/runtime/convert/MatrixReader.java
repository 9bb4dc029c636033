package io.moetier.runtime.convert;

import io.moetier.kernels.tensor.NonFinite;
import io.moetier.kernels.tensor.RowInterleaver;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.kernels.tensor.WeightPacker;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.MatrixSlice;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.TensorInfo;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Reads a model's matrices and packs them for the kernels, a few megabytes at a time. For one thread.
final class MatrixReader implements AutoCloseable {
    private static final int TILE_ROWS = 16;
    private static final long CHUNK_BYTES = 4L << 20;
    /// Of a matrix that is stored column by column, so that what is read of each column is worth a call.
    private static final long COLUMNS_CHUNK_BYTES = 32L << 20;

    /// Tiles of sixteen rows that one thread rounds before it takes more.
    private static final int TILES_OF_PART = 4;

    private final ModelSource model;
    private final Importance importance;
    private final Optional<RowInterleaver> interleaver;
    private final LongConsumer progress;
    private final NonFinite nonFinite = new NonFinite();
    private final Arena arena = Arena.ofShared();
    private MemorySegment chunk = MemorySegment.NULL;

    /// What becomes of rows of `cols` elements.
    @SuppressWarnings("ArrayRecordComponent") // nobody compares them
    private record Packing(DType source, DType target, int cols, float @Nullable [] importance) {}

    /// @param progress is told the source bytes read, piece by piece
    MatrixReader(
            ModelSource model, Importance importance, Optional<RowInterleaver> interleaver, LongConsumer progress) {
        this.model = model;
        this.importance = importance;
        this.interleaver = interleaver;
        this.progress = progress;
    }

    /// Returns a reader of the same source for another thread.
    MatrixReader forThread(LongConsumer ownProgress) {
        return new MatrixReader(model, importance, interleaver, ownProgress);
    }

    /// Tells of bytes that another thread has read.
    void report(long bytes) {
        progress.accept(bytes);
    }

    /// Returns the type of a matrix in the source, whose shape is checked.
    TensorInfo require(LinearSpec spec) {
        return model.require(spec);
    }

    /// Fills `packed` with the matrix in the layout of `target`.
    void read(LinearSpec spec, DType target, MemorySegment packed) {
        TensorInfo tensor = require(spec);
        long rowBytes = tensor.dtype().bytes(spec.cols());
        boolean byColumns = spec.slice().filter(MatrixSlice::isTransposed).isPresent();
        long chunkBytes = byColumns ? COLUMNS_CHUNK_BYTES : CHUNK_BYTES;
        int rowsPerChunk = (int) Math.max(1, chunkBytes / (rowBytes * TILE_ROWS)) * TILE_ROWS;
        long packedAt = 0;
        for (int row = 0; row < spec.rows(); row += rowsPerChunk) {
            int rows = Math.min(rowsPerChunk, spec.rows() - row);
            MemorySegment source = chunk(rows * rowBytes);
            model.read(spec, row, source);
            requireFinite(tensor, nonFinite.isIn(tensor.dtype(), source));
            long bytes = WeightMatrix.packedBytes(target, rows, spec.cols());
            Packing packing = new Packing(tensor.dtype(), target, spec.cols(), importance.of(spec));
            pack(packing, source, rows, packed.asSlice(packedAt, bytes));
            packedAt += bytes;
            progress.accept(source.byteSize());
        }
    }

    /// Packs on this thread what only moves, which takes less time than reading it, and on all cores what is rounded.
    private void pack(Packing packing, MemorySegment rowMajor, int rows, MemorySegment packed) {
        DType source = packing.source();
        DType target = packing.target();
        int cols = packing.cols();
        int tiles = WeightMatrix.tiles(rows);
        int tilesOfPart = source == target ? tiles : TILES_OF_PART;
        int parts = (tiles + tilesOfPart - 1) / tilesOfPart;
        IntStream.range(0, parts).parallel().forEach(part -> {
            int row = part * tilesOfPart * TILE_ROWS;
            int count = Math.min(tilesOfPart * TILE_ROWS, rows - row);
            MemorySegment from = rowMajor.asSlice(row * source.bytes(cols), count * source.bytes(cols));
            long tileBytes = WeightMatrix.tileBytes(target, cols);
            MemorySegment to =
                    packed.asSlice((long) part * tilesOfPart * tileBytes, WeightMatrix.tiles(count) * tileBytes);
            if (source != target && packing.importance() != null) {
                WeightPacker.pack(source, from, target, count, cols, to, packing.importance());
            } else {
                WeightPacker.pack(source, from, target, count, cols, to, interleaver);
            }
        });
    }

    /// Checks that there is a vector of this size, and returns its type.
    TensorInfo requireVector(VectorSpec spec) {
        return model.require(spec);
    }

    /// Reads a vector as float32.
    float[] readVector(VectorSpec spec) {
        TensorInfo tensor = requireVector(spec);
        progress.accept(tensor.byteLength());
        float[] values = model.readFloats(spec);
        requireFinite(tensor, NonFinite.isIn(values));
        return values;
    }

    @Override
    public void close() {
        arena.close();
    }

    /// One such weight makes every logit NaN, so it is refused here, where its file and name are known.
    private static void requireFinite(TensorInfo tensor, boolean anyIsNot) {
        if (anyIsNot) {
            throw MalformedModelException.of(
                    tensor.file(), "tensor " + tensor.name(), "finite weights", "some that are NaN or infinite");
        }
    }

    private MemorySegment chunk(long bytes) {
        if (chunk.byteSize() < bytes) {
            chunk = arena.allocate(bytes, 64);
        }
        return chunk.asSlice(0, bytes);
    }
}
