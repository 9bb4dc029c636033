package io.moetier.runtime.convert;

import io.moetier.runtime.model.spec.weight.TensorSlice;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Reads rows of a matrix that is a slice of a tensor.
///
/// Rows at one stride form a block with two strides. It is read in runs along the smaller one, a megabyte at a time,
/// and nothing of the tensor is read but these runs and what lies in short gaps of and between them.
final class SliceReader {
    private static final long STAGING_BYTES = 1L << 20;

    /// Reading so much that nobody wants costs less than another call.
    private static final long CHEAP_GAP_BYTES = 4096;

    /// Elements of a run that are moved together: those of a cache line or two.
    private static final int TILE = 32;

    private final TensorSlice slice;
    private final int cols;
    private final int elementBytes;
    private final Bytes tensor;

    /// The tensor's bytes.
    interface Bytes {
        void read(long fromByte, MemorySegment dst);
    }

    /// @param cols of the matrix
    SliceReader(TensorSlice slice, int cols, int elementBytes, Bytes tensor) {
        this.slice = slice;
        this.cols = cols;
        this.elementBytes = elementBytes;
        this.tensor = tensor;
    }

    /// Fills `dst` with whole rows from `firstRow` on.
    ///
    /// @throws IllegalArgumentException if `dst` is not of whole rows
    void read(int firstRow, MemorySegment dst) {
        long rowBytes = (long) cols * elementBytes;
        if (dst.byteSize() % rowBytes != 0) {
            throw new IllegalArgumentException("rows of " + rowBytes + " bytes do not fill " + dst.byteSize());
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment staging = arena.allocate(STAGING_BYTES, Long.BYTES);
            long end = firstRow + dst.byteSize() / rowBytes;
            long row = firstRow;
            while (row < end) {
                long groupEnd = Math.min(end, (row / slice.groupRows() + 1) * slice.groupRows());
                int rows = (int) (groupEnd - row);
                readGroup(staging, (int) row, rows, dst.asSlice((row - firstRow) * rowBytes, rows * rowBytes));
                row = groupEnd;
            }
        }
    }

    private void readGroup(MemorySegment staging, int row, int rows, MemorySegment dst) {
        long first = slice.index(row, 0);
        if (slice.rowStride() == cols && slice.colStride() == 1) {
            tensor.read(first * elementBytes, dst);
        } else if (slice.isTransposed() || cols == 1) {
            new Runs(first, cols, slice.colStride(), rows, slice.rowStride(), 1, cols).read(staging, dst);
        } else {
            new Runs(first, rows, slice.rowStride(), cols, slice.colStride(), cols, 1).read(staging, dst);
        }
    }

    /// Runs of `length` elements at `stride`, whose starts are `distance` apart; all in elements.
    private final class Runs {
        private final long first;
        private final int count;
        private final long distance;
        private final int length;
        private final long stride;
        private final int dstDistance;
        private final int dstStride;

        private Runs(long first, int count, long distance, int length, long stride, int dstDistance, int dstStride) {
            this.first = first;
            this.count = count;
            this.distance = distance;
            this.length = length;
            this.stride = stride;
            this.dstDistance = dstDistance;
            this.dstStride = dstStride;
        }

        private void read(MemorySegment staging, MemorySegment dst) {
            int step = Math.clamp(STAGING_BYTES / Math.max(1, stride * elementBytes), 1, length);
            for (int from = 0; from < length; from += step) {
                readPieces(staging, dst, from, Math.min(step, length - from));
            }
        }

        /// Reads elements `from` to `from + piece` of every run.
        private void readPieces(MemorySegment staging, MemorySegment dst, int from, int piece) {
            long pieceBytes = ((piece - 1) * stride + 1) * elementBytes;
            boolean joined = distance * elementBytes - pieceBytes < CHEAP_GAP_BYTES;
            long pitch = joined ? distance * elementBytes : pieceBytes;
            int together = Math.clamp((STAGING_BYTES - pieceBytes) / Math.max(1, pitch) + 1, 1, count);
            for (int run = 0; run < count; run += together) {
                int runs = Math.min(together, count - run);
                long at = (first + run * distance + from * stride) * elementBytes;
                if (joined) {
                    tensor.read(at, staging.asSlice(0, (runs - 1) * pitch + pieceBytes));
                } else {
                    readApart(staging, at, runs, pieceBytes);
                }
                move(staging, pitch, dst, run, runs, from, piece);
            }
        }

        private void readApart(MemorySegment staging, long at, int runs, long pieceBytes) {
            for (int i = 0; i < runs; i++) {
                tensor.read(at + i * distance * elementBytes, staging.asSlice(i * pieceBytes, pieceBytes));
            }
        }

        private void move(
                MemorySegment staging, long pitch, MemorySegment dst, int run, int runs, int from, int piece) {
            if (stride == 1 && dstStride == 1) {
                for (int i = 0; i < runs; i++) {
                    long to = ((long) (run + i) * dstDistance + from) * elementBytes;
                    MemorySegment.copy(staging, i * pitch, dst, to, (long) piece * elementBytes);
                }
                return;
            }
            for (int tile = 0; tile < piece; tile += TILE) {
                int tileEnd = Math.min(tile + TILE, piece);
                for (int element = tile; element < tileEnd; element++) {
                    long to = (long) run * dstDistance + (long) (from + element) * dstStride;
                    moveElements(staging, element * stride * elementBytes, pitch, dst, to * elementBytes, runs);
                }
            }
        }

        /// Moves one element of each run.
        private void moveElements(MemorySegment staging, long at, long pitch, MemorySegment dst, long to, int runs) {
            long toPitch = (long) dstDistance * elementBytes;
            switch (elementBytes) {
                case 2 -> {
                    for (int i = 0; i < runs; i++) {
                        short element = staging.get(ValueLayout.JAVA_SHORT_UNALIGNED, at + i * pitch);
                        dst.set(ValueLayout.JAVA_SHORT_UNALIGNED, to + i * toPitch, element);
                    }
                }
                case 4 -> {
                    for (int i = 0; i < runs; i++) {
                        int element = staging.get(ValueLayout.JAVA_INT_UNALIGNED, at + i * pitch);
                        dst.set(ValueLayout.JAVA_INT_UNALIGNED, to + i * toPitch, element);
                    }
                }
                case 1 -> {
                    for (int i = 0; i < runs; i++) {
                        byte element = staging.get(ValueLayout.JAVA_BYTE, at + i * pitch);
                        dst.set(ValueLayout.JAVA_BYTE, to + i * toPitch, element);
                    }
                }
                default -> throw new IllegalArgumentException("no elements of " + elementBytes + " bytes");
            }
        }
    }
}
