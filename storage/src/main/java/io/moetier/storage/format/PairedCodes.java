package io.moetier.storage.format;

import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Codes of blocks in four bits in the order of checkpoints, in which neighbours share a byte. In [DType#MXFP4] and
/// [DType#Q4_0] byte `j` has element `j` in its lower half and `j + 16` in its upper half.
public final class PairedCodes {
    /// Bytes of a block's codes.
    public static final int BYTES = 16;

    private static final int BLOCK_BYTES = DType.MXFP4.blockBytes();

    private PairedCodes() {}

    /// Writes the codes of a block at `to` of `dst` as these types have them.
    public static void reorder(MemorySegment src, long from, MemorySegment dst, long to) {
        for (int j = 0; j < BYTES; j++) {
            int codes = code(src, from, j) | code(src, from, j + BYTES) << 4;
            dst.set(ValueLayout.JAVA_BYTE, to + j, (byte) codes);
        }
    }

    /// Makes these blocks, which have their codes behind a byte, blocks of [DType#MXFP4].
    static void reorder(MemorySegment blocks) {
        MemorySegment codes = MemorySegment.ofArray(new byte[BYTES]);
        for (long at = 1; at < blocks.byteSize(); at += BLOCK_BYTES) {
            MemorySegment.copy(blocks, at, codes, 0, BYTES);
            reorder(codes, 0, blocks, at);
        }
    }

    private static int code(MemorySegment src, long from, int element) {
        int pair = src.get(ValueLayout.JAVA_BYTE, from + element / 2);
        return (element % 2 == 0 ? pair : pair >> 4) & 0xF;
    }
}
