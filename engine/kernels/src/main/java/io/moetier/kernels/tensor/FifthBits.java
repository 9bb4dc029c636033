package io.moetier.kernels.tensor;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/// Moves the 32 fifth bits of a block of `Q5_0` or `Q5_1`, one after another in a word, to where kernels find those of
/// four neighbours in four bytes: bit `4 i + j` becomes bit `i` of byte `j`.
final class FifthBits implements OpenBlocks {
    private static final int EACH_BYTE = 0x01010101;
    /// Copies four bits to places seven apart, so that bit `j` of copy `j` is the lowest of byte `j`.
    private static final int SPREAD = 0x00204081;
    /// Copies the lowest bits of four bytes so that those next to each other come to the top.
    private static final int COLLECT = 0x10204080;

    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private final int at;
    private final int blockBytes;

    /// @param at where the word is in a block of `blockBytes`
    FifthBits(int at, int blockBytes) {
        this.at = at;
        this.blockBytes = blockBytes;
    }

    @Override
    public void open(byte[] closed, byte[] open, int numBlocks) {
        System.arraycopy(closed, 0, open, 0, numBlocks * blockBytes);
        for (int word = at; word < numBlocks * blockBytes; word += blockBytes) {
            int bits = (int) INT.get(closed, word);
            int bytes = 0;
            for (int i = 0; i < 8; i++) {
                bytes |= ((((bits >>> (4 * i)) & 15) * SPREAD) & EACH_BYTE) << i;
            }
            INT.set(open, word, bytes);
        }
    }

    @Override
    public void close(byte[] open, byte[] closed, int numBlocks) {
        System.arraycopy(open, 0, closed, 0, numBlocks * blockBytes);
        for (int word = at; word < numBlocks * blockBytes; word += blockBytes) {
            int bytes = (int) INT.get(open, word);
            int bits = 0;
            for (int i = 0; i < 8; i++) {
                bits |= ((((bytes >>> i) & EACH_BYTE) * COLLECT) >>> 28) << (4 * i);
            }
            INT.set(closed, word, bits);
        }
    }
}
