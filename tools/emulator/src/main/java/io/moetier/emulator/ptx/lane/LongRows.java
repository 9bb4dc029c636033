package io.moetier.emulator.ptx.lane;

import java.util.Arrays;

/// Loops over rows of 32 longs, and between them and rows of ints.
final class LongRows {
    private static final int LANES = IntRows.LANES;

    private LongRows() {}

    static void move(long[] d, long[] a) {
        System.arraycopy(a, 0, d, 0, LANES);
    }

    /// Returns whether all lanes have the same value.
    static boolean uniform(long[] a) {
        return Arrays.equals(a, 0, LANES - 1, a, 1, LANES);
    }

    static void fill(long[] d, int mask, long value) {
        if (mask == Warp.FULL) {
            Arrays.fill(d, value);
            return;
        }
        for (int rest = mask; rest != 0; rest &= rest - 1) {
            d[Integer.numberOfTrailingZeros(rest)] = value;
        }
    }

    static void add(long[] d, long[] a, long[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = a[i] + b[i];
        }
    }

    static void sub(long[] d, long[] a, long[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = a[i] - b[i];
        }
    }

    static void mul(long[] d, long[] a, long[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = a[i] * b[i];
        }
    }

    static void mad(long[] d, long[] a, long[] b, long[] c) {
        for (int i = 0; i < LANES; i++) {
            d[i] = a[i] * b[i] + c[i];
        }
    }

    static void and(long[] d, long[] a, long[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = a[i] & b[i];
        }
    }

    static void or(long[] d, long[] a, long[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = a[i] | b[i];
        }
    }

    static void xor(long[] d, long[] a, long[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = a[i] ^ b[i];
        }
    }

    static void not(long[] d, long[] a) {
        for (int i = 0; i < LANES; i++) {
            d[i] = ~a[i];
        }
    }

    static void shl(long[] d, long[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = (b[i] & ~63) == 0 ? a[i] << b[i] : 0;
        }
    }

    static void shrUnsigned(long[] d, long[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = (b[i] & ~63) == 0 ? a[i] >>> b[i] : 0;
        }
    }

    static void shr(long[] d, long[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = a[i] >> ((b[i] & ~63) == 0 ? b[i] : 63);
        }
    }

    /// The distance of these is a literal from 0 to 63.
    static void shlBy(long[] d, long[] a, int distance) {
        for (int i = 0; i < LANES; i++) {
            d[i] = a[i] << distance;
        }
    }

    static void shrUnsignedBy(long[] d, long[] a, int distance) {
        for (int i = 0; i < LANES; i++) {
            d[i] = a[i] >>> distance;
        }
    }

    static void packInts(long[] d, int[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = (a[i] & 0xffffffffL) | (long) b[i] << 32;
        }
    }

    static void mulWide(long[] d, int[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = (long) a[i] * b[i];
        }
    }

    static void mulWideUnsigned(long[] d, int[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = (a[i] & 0xffffffffL) * (b[i] & 0xffffffffL);
        }
    }

    static void madWide(long[] d, int[] a, int[] b, long[] c) {
        for (int i = 0; i < LANES; i++) {
            d[i] = (long) a[i] * b[i] + c[i];
        }
    }

    static void madWideUnsigned(long[] d, int[] a, int[] b, long[] c) {
        for (int i = 0; i < LANES; i++) {
            d[i] = (a[i] & 0xffffffffL) * (b[i] & 0xffffffffL) + c[i];
        }
    }

    static void widen(long[] d, int[] a) {
        for (int i = 0; i < LANES; i++) {
            d[i] = a[i];
        }
    }

    static void widenUnsigned(long[] d, int[] a) {
        for (int i = 0; i < LANES; i++) {
            d[i] = a[i] & 0xffffffffL;
        }
    }

    static void low(int[] d, long[] a) {
        for (int i = 0; i < LANES; i++) {
            d[i] = (int) a[i];
        }
    }

    static void high(int[] d, long[] a) {
        for (int i = 0; i < LANES; i++) {
            d[i] = (int) (a[i] >>> 32);
        }
    }

    /// Takes over the lanes of `mask`.
    static void merge(long[] d, long[] a, int mask) {
        for (int rest = mask; rest != 0; rest &= rest - 1) {
            int i = Integer.numberOfTrailingZeros(rest);
            d[i] = a[i];
        }
    }
}
