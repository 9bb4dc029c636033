package io.moetier.runtime.convert;

import io.moetier.runtime.convert.SliceReader.Bytes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Reads rows of a matrix whose elements lie in two tensors and take turns.
///
/// @param turnBytes bytes of each turn
/// @param first holds the first turn of each row
record FrameReader(long turnBytes, Bytes first, Bytes second) {
    /// Fills `dst` with whole rows of `rowBytes` from `firstRow` on.
    void read(int firstRow, long rowBytes, MemorySegment dst) {
        long half = dst.byteSize() / 2;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment frame = arena.allocate(half, Long.BYTES);
            for (int number = 0; number < 2; number++) {
                (number == 0 ? first : second).read(firstRow * (rowBytes / 2), frame);
                for (long at = 0; at < half; at += turnBytes) {
                    MemorySegment.copy(frame, at, dst, 2 * at + number * turnBytes, turnBytes);
                }
            }
        }
    }
}
