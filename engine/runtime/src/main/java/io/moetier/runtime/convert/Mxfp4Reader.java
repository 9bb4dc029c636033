package io.moetier.runtime.convert;

import io.moetier.runtime.model.spec.weight.Mxfp4Slice;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Reads rows of a matrix of [Mxfp4Slice] as blocks of [DType#MXFP4]: the exponent in front of its codes, of which byte
/// `j` has element `j` in its lower half and `j + 16` in its upper half. Nothing is rounded.
final class Mxfp4Reader {
    private static final int CODE_BYTES = 16;
    private static final int BLOCK_BYTES = DType.MXFP4.blockBytes();

    private final SliceReader codes;
    private final SliceReader exponents;

    Mxfp4Reader(Mxfp4Slice slice, int cols, SliceReader.Bytes codes, SliceReader.Bytes exponents) {
        int blocks = cols / Mxfp4Slice.BLOCK;
        this.codes = new SliceReader(slice.codes(), blocks * CODE_BYTES, 1, codes);
        this.exponents = new SliceReader(slice.exponents(), blocks, 1, exponents);
    }

    /// Fills `dst` with whole rows from `firstRow` on.
    void read(int firstRow, MemorySegment dst) {
        long blocks = dst.byteSize() / BLOCK_BYTES;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment packed = arena.allocate(blocks * CODE_BYTES);
            MemorySegment scales = arena.allocate(blocks);
            codes.read(firstRow, packed);
            exponents.read(firstRow, scales);
            for (long block = 0; block < blocks; block++) {
                long to = block * BLOCK_BYTES;
                dst.set(ValueLayout.JAVA_BYTE, to, scales.get(ValueLayout.JAVA_BYTE, block));
                reorder(packed, block * CODE_BYTES, dst, to + 1);
            }
        }
    }

    private static void reorder(MemorySegment from, long at, MemorySegment to, long toAt) {
        for (int j = 0; j < CODE_BYTES; j++) {
            int code = code(from, at, j) | code(from, at, j + CODE_BYTES) << 4;
            to.set(ValueLayout.JAVA_BYTE, toAt + j, (byte) code);
        }
    }

    private static int code(MemorySegment from, long at, int element) {
        int pair = from.get(ValueLayout.JAVA_BYTE, at + element / 2);
        return (element % 2 == 0 ? pair : pair >> 4) & 0xF;
    }
}
