package io.moetier.runtime.convert;

import io.moetier.runtime.model.spec.weight.Mxfp4Slice;
import io.moetier.storage.format.PairedCodes;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Reads rows of a matrix of [Mxfp4Slice] as blocks of [DType#MXFP4]: the exponent in front of its codes. Nothing is
/// rounded.
final class Mxfp4Reader {
    private static final int BLOCK_BYTES = DType.MXFP4.blockBytes();

    private final SliceReader codes;
    private final SliceReader exponents;

    Mxfp4Reader(Mxfp4Slice slice, int cols, SliceReader.Bytes codes, SliceReader.Bytes exponents) {
        int blocks = cols / Mxfp4Slice.BLOCK;
        this.codes = new SliceReader(slice.codes(), blocks * PairedCodes.BYTES, 1, codes);
        this.exponents = new SliceReader(slice.exponents(), blocks, 1, exponents);
    }

    /// Fills `dst` with whole rows from `firstRow` on.
    void read(int firstRow, MemorySegment dst) {
        long blocks = dst.byteSize() / BLOCK_BYTES;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment packed = arena.allocate(blocks * PairedCodes.BYTES);
            MemorySegment scales = arena.allocate(blocks);
            codes.read(firstRow, packed);
            exponents.read(firstRow, scales);
            for (long block = 0; block < blocks; block++) {
                long to = block * BLOCK_BYTES;
                dst.set(ValueLayout.JAVA_BYTE, to, scales.get(ValueLayout.JAVA_BYTE, block));
                PairedCodes.reorder(packed, block * PairedCodes.BYTES, dst, to + 1);
            }
        }
    }
}
