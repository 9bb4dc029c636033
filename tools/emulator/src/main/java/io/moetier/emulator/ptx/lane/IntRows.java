package io.moetier.emulator.ptx.lane;

import java.util.Arrays;

/// Loops over rows of 32 ints, as plain as the JIT needs them to use vector instructions.
public final class IntRows {
    static final int LANES = 32;

    private IntRows() {}

    public static void move(int[] d, int[] a) {
        System.arraycopy(a, 0, d, 0, LANES);
    }

    /// Returns whether all lanes have the same value.
    public static boolean uniform(int[] a) {
        return Arrays.equals(a, 0, LANES - 1, a, 1, LANES);
    }

    static void add(int[] d, int[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = a[i] + b[i];
        }
    }

    static void sub(int[] d, int[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = a[i] - b[i];
        }
    }

    static void mul(int[] d, int[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = a[i] * b[i];
        }
    }

    static void mad(int[] d, int[] a, int[] b, int[] c) {
        for (int i = 0; i < LANES; i++) {
            d[i] = a[i] * b[i] + c[i];
        }
    }

    static void neg(int[] d, int[] a) {
        for (int i = 0; i < LANES; i++) {
            d[i] = -a[i];
        }
    }

    static void abs(int[] d, int[] a) {
        for (int i = 0; i < LANES; i++) {
            d[i] = a[i] < 0 ? -a[i] : a[i];
        }
    }

    static void min(int[] d, int[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = Math.min(a[i], b[i]);
        }
    }

    static void max(int[] d, int[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = Math.max(a[i], b[i]);
        }
    }

    static void minUnsigned(int[] d, int[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = Math.min(a[i] ^ Integer.MIN_VALUE, b[i] ^ Integer.MIN_VALUE) ^ Integer.MIN_VALUE;
        }
    }

    static void maxUnsigned(int[] d, int[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = Math.max(a[i] ^ Integer.MIN_VALUE, b[i] ^ Integer.MIN_VALUE) ^ Integer.MIN_VALUE;
        }
    }

    static void mulHigh(int[] d, int[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = (int) (((long) a[i] * b[i]) >> 32);
        }
    }

    static void mulHighUnsigned(int[] d, int[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = (int) (((a[i] & 0xffffffffL) * (b[i] & 0xffffffffL)) >>> 32);
        }
    }

    static void and(int[] d, int[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = a[i] & b[i];
        }
    }

    static void or(int[] d, int[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = a[i] | b[i];
        }
    }

    static void xor(int[] d, int[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = a[i] ^ b[i];
        }
    }

    static void not(int[] d, int[] a) {
        for (int i = 0; i < LANES; i++) {
            d[i] = ~a[i];
        }
    }

    static void mask(int[] d, int[] a, int mask) {
        for (int i = 0; i < LANES; i++) {
            d[i] = a[i] & mask;
        }
    }

    /// PTX clamps distances at 32, Java takes them modulo 32.
    static void shl(int[] d, int[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = (b[i] & ~31) == 0 ? a[i] << b[i] : 0;
        }
    }

    static void shrUnsigned(int[] d, int[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = (b[i] & ~31) == 0 ? a[i] >>> b[i] : 0;
        }
    }

    static void shr(int[] d, int[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = a[i] >> ((b[i] & ~31) == 0 ? b[i] : 31);
        }
    }

    /// The distance of these is a literal from 0 to 31.
    static void shlBy(int[] d, int[] a, int distance) {
        for (int i = 0; i < LANES; i++) {
            d[i] = a[i] << distance;
        }
    }

    static void shrBy(int[] d, int[] a, int distance) {
        for (int i = 0; i < LANES; i++) {
            d[i] = a[i] >> distance;
        }
    }

    static void shrUnsignedBy(int[] d, int[] a, int distance) {
        for (int i = 0; i < LANES; i++) {
            d[i] = a[i] >>> distance;
        }
    }

    /// Shifts `b:a`, of which `a` is the lower half, and returns the upper half of it.
    static void funnelLeft(int[] d, int[] a, int[] b, int[] c, boolean wrap) {
        for (int i = 0; i < LANES; i++) {
            d[i] = (int) (pair(a[i], b[i]) << distance(c[i], wrap) >>> 32);
        }
    }

    static void funnelRight(int[] d, int[] a, int[] b, int[] c, boolean wrap) {
        for (int i = 0; i < LANES; i++) {
            d[i] = (int) (pair(a[i], b[i]) >>> distance(c[i], wrap));
        }
    }

    private static int distance(int c, boolean wrap) {
        return wrap ? c & 31 : Integer.compareUnsigned(c, 32) < 0 ? c : 32;
    }

    static long pair(int low, int high) {
        return (low & 0xffffffffL) | (long) high << 32;
    }

    /// The usual mode of `prmt`: each four bits of the selector name a byte of `b:a`, or its sign repeated.
    static void permute(int[] d, int[] a, int[] b, int[] c, int mode) {
        for (int i = 0; i < LANES; i++) {
            d[i] = permuted(pair(a[i], b[i]), mode == 0 ? c[i] : selector(mode, c[i] & 3));
        }
    }

    private static int permuted(long bytes, int selector) {
        int result = 0;
        for (int i = 0; i < 4; i++) {
            int choice = selector >>> (4 * i) & 15;
            int value = (byte) (bytes >>> (8 * (choice & 7)));
            result |= ((choice & 8) == 0 ? value & 0xff : value >> 7 & 0xff) << (8 * i);
        }
        return result;
    }

    /// The selectors that the modes f4e, b4e, rc8, ecl, ecr and rc16 stand for.
    private static int selector(int mode, int c) {
        int[][] table = {
            {},
            {0x3210, 0x4321, 0x5432, 0x6543},
            {0x5670, 0x6701, 0x7012, 0x0123},
            {0x0000, 0x1111, 0x2222, 0x3333},
            {0x3210, 0x3211, 0x3222, 0x3333},
            {0x0000, 0x1110, 0x2210, 0x3210},
            {0x1010, 0x3232, 0x1010, 0x3232}
        };
        return table[mode][c];
    }

    /// Any function of three bits, as a table of its eight results.
    static void lop3(int[] d, int[] a, int[] b, int[] c, int table) {
        int t0 = -(table & 1);
        int t1 = -(table >> 1 & 1);
        int t2 = -(table >> 2 & 1);
        int t3 = -(table >> 3 & 1);
        int t4 = -(table >> 4 & 1);
        int t5 = -(table >> 5 & 1);
        int t6 = -(table >> 6 & 1);
        int t7 = -(table >> 7 & 1);
        for (int i = 0; i < LANES; i++) {
            int z = c[i];
            int low = (~b[i] & ((~z & t0) | (z & t1))) | (b[i] & ((~z & t2) | (z & t3)));
            int high = (~b[i] & ((~z & t4) | (z & t5))) | (b[i] & ((~z & t6) | (z & t7)));
            d[i] = (~a[i] & low) | (a[i] & high);
        }
    }

    static void popc(int[] d, int[] a) {
        for (int i = 0; i < LANES; i++) {
            d[i] = Integer.bitCount(a[i]);
        }
    }

    static void packHalves(int[] d, int[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = (a[i] & 0xffff) | b[i] << 16;
        }
    }

    static void dp4aSigned(int[] d, int[] a, int[] b, int[] c) {
        for (int i = 0; i < LANES; i++) {
            int x = a[i];
            int y = b[i];
            d[i] = c[i]
                    + (x << 24 >> 24) * (y << 24 >> 24)
                    + (x << 16 >> 24) * (y << 16 >> 24)
                    + (x << 8 >> 24) * (y << 8 >> 24)
                    + (x >> 24) * (y >> 24);
        }
    }

    /// Where one factor at least has no sign.
    static void dp4a(int[] d, int[] a, int[] b, int[] c, boolean signedA, boolean signedB) {
        for (int i = 0; i < LANES; i++) {
            int sum = c[i];
            for (int shift = 0; shift < 32; shift += 8) {
                int x = signedA ? (byte) (a[i] >> shift) : a[i] >>> shift & 0xff;
                int y = signedB ? (byte) (b[i] >> shift) : b[i] >>> shift & 0xff;
                sum += x * y;
            }
            d[i] = sum;
        }
    }

    public static void fill(int[] d, int mask, int value) {
        if (mask == Warp.FULL) {
            Arrays.fill(d, value);
            return;
        }
        for (int rest = mask; rest != 0; rest &= rest - 1) {
            d[Integer.numberOfTrailingZeros(rest)] = value;
        }
    }

    /// Takes over the lanes of `mask`.
    public static void merge(int[] d, int[] a, int mask) {
        for (int rest = mask; rest != 0; rest &= rest - 1) {
            int i = Integer.numberOfTrailingZeros(rest);
            d[i] = a[i];
        }
    }
}
