package io.moetier.kernels.tensor;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/// Opens the eight scales of a block of `IQ4_XS`: six bits from -32 on become a signed byte.
///
/// Two bytes hold the upper two bits of each, and four bytes after them the lower four bits, both from the lowest on.
final class CodedScales implements OpenBlocks {
    private static final int GROUPS = 8;
    private static final int ZERO = 32;
    private static final int D = 2;
    private static final int CLOSED_SCALES = 6;
    private static final int WEIGHTS = 128;
    private static final int CLOSED = D + CLOSED_SCALES + WEIGHTS;
    private static final int OPEN = D + GROUPS + WEIGHTS;
    private static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    @Override
    public void open(byte[] closed, byte[] open, int numBlocks) {
        for (int b = 0; b < numBlocks; b++) {
            int from = b * CLOSED;
            int to = b * OPEN;
            int uppers = (short) SHORT.get(closed, from + D);
            int lowers = (int) INT.get(closed, from + D + 2);
            System.arraycopy(closed, from, open, to, D);
            for (int i = 0; i < GROUPS; i++) {
                int lower = (lowers >>> (4 * i)) & 15;
                int upper = (uppers >>> (2 * i)) & 3;
                open[to + D + i] = (byte) ((lower | (upper << 4)) - ZERO);
            }
            System.arraycopy(closed, from + D + CLOSED_SCALES, open, to + D + GROUPS, WEIGHTS);
        }
    }

    @Override
    public void close(byte[] open, byte[] closed, int numBlocks) {
        for (int b = 0; b < numBlocks; b++) {
            int from = b * OPEN;
            int to = b * CLOSED;
            int uppers = 0;
            int lowers = 0;
            for (int i = 0; i < GROUPS; i++) {
                int scale = open[from + D + i] + ZERO;
                lowers |= (scale & 15) << (4 * i);
                uppers |= (scale >>> 4) << (2 * i);
            }
            System.arraycopy(open, from, closed, to, D);
            SHORT.set(closed, to + D, (short) uppers);
            INT.set(closed, to + D + 2, lowers);
            System.arraycopy(open, from + D + GROUPS, closed, to + D + CLOSED_SCALES, WEIGHTS);
        }
    }
}
