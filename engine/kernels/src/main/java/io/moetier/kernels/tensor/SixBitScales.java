package io.moetier.kernels.tensor;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/// Opens and closes the twelve bytes in which a block of `Q4_K` or `Q5_K` keeps eight scales and eight offsets of six
/// bits.
///
/// Four neighbours are one word. The first four scales and offsets are the lower six bits of the first and second
/// word; of the last four, the third word has the lower four bits, scales below offsets, and the upper two bits lie
/// above the first four.
final class SixBitScales implements OpenBlocks {
    /// Bytes of a block before its scales: `d` and `dmin`.
    private static final int HEAD = 4;

    private static final int CLOSED = 12;
    private static final int OPEN = 16;
    private static final int SIX = 0x3F3F3F3F;
    private static final int FOUR = 0x0F0F0F0F;
    private static final int UPPER = 0x30303030;
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private final int closedBytes;

    /// @param closedBytes of a block; four more are open
    SixBitScales(int closedBytes) {
        this.closedBytes = closedBytes;
    }

    /// Writes eight scales before eight offsets.
    @Override
    public void open(byte[] closed, byte[] open, int numBlocks) {
        int openBytes = closedBytes - CLOSED + OPEN;
        int rest = openBytes - HEAD - OPEN;
        for (int b = 0; b < numBlocks; b++) {
            int from = b * closedBytes;
            int to = b * openBytes;
            int first = (int) INT.get(closed, from + HEAD);
            int second = (int) INT.get(closed, from + HEAD + 4);
            int third = (int) INT.get(closed, from + HEAD + 8);
            INT.set(open, to, (int) INT.get(closed, from));
            INT.set(open, to + HEAD, first & SIX);
            INT.set(open, to + HEAD + 4, (third & FOUR) | (first >>> 2 & UPPER));
            INT.set(open, to + HEAD + 8, second & SIX);
            INT.set(open, to + HEAD + 12, (third >>> 4 & FOUR) | (second >>> 2 & UPPER));
            System.arraycopy(closed, from + HEAD + CLOSED, open, to + HEAD + OPEN, rest);
        }
    }

    @Override
    public void close(byte[] open, byte[] closed, int numBlocks) {
        int openBytes = closedBytes - CLOSED + OPEN;
        int rest = openBytes - HEAD - OPEN;
        for (int b = 0; b < numBlocks; b++) {
            int from = b * openBytes;
            int to = b * closedBytes;
            int scales = (int) INT.get(open, from + HEAD + 4);
            int offsets = (int) INT.get(open, from + HEAD + 12);
            INT.set(closed, to, (int) INT.get(open, from));
            INT.set(closed, to + HEAD, (int) INT.get(open, from + HEAD) | (scales & UPPER) << 2);
            INT.set(closed, to + HEAD + 4, (int) INT.get(open, from + HEAD + 8) | (offsets & UPPER) << 2);
            INT.set(closed, to + HEAD + 8, (scales & FOUR) | (offsets & FOUR) << 4);
            System.arraycopy(open, from + HEAD + OPEN, closed, to + HEAD + CLOSED, rest);
        }
    }
}
