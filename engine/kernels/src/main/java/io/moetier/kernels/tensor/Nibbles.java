package io.moetier.kernels.tensor;

/// Two numbers of four bits in a byte.
final class Nibbles {
    private Nibbles() {}

    /// Writes `count` bytes: the lower halves are those of `q` from `at` on, the upper ones those after them.
    static void put(byte[] q, int at, int count, byte[] bytes, int to) {
        for (int i = 0; i < count; i++) {
            bytes[to + i] = (byte) ((q[at + i] & 15) | q[at + count + i] << 4);
        }
    }
}
