package io.moetier.emulator.ptx.lane;

/// Loops over rows of 32 floats, which are kept as the bits of ints. Everything is rounded once, to nearest.
final class FloatRows {
    private static final int LANES = IntRows.LANES;
    private static final int SIGN = Integer.MIN_VALUE;

    private FloatRows() {}

    private static float f(int bits) {
        return Float.intBitsToFloat(bits);
    }

    private static int bits(float value) {
        return Float.floatToRawIntBits(value);
    }

    static void add(int[] d, int[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = bits(f(a[i]) + f(b[i]));
        }
    }

    static void sub(int[] d, int[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = bits(f(a[i]) - f(b[i]));
        }
    }

    static void mul(int[] d, int[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = bits(f(a[i]) * f(b[i]));
        }
    }

    static void div(int[] d, int[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = bits(f(a[i]) / f(b[i]));
        }
    }

    static void fma(int[] d, int[] a, int[] b, int[] c) {
        for (int i = 0; i < LANES; i++) {
            d[i] = bits(Math.fma(f(a[i]), f(b[i]), f(c[i])));
        }
    }

    static void min(int[] d, int[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = bits(Floats.min(f(a[i]), f(b[i])));
        }
    }

    static void max(int[] d, int[] a, int[] b) {
        for (int i = 0; i < LANES; i++) {
            d[i] = bits(Floats.max(f(a[i]), f(b[i])));
        }
    }

    static void abs(int[] d, int[] a) {
        for (int i = 0; i < LANES; i++) {
            d[i] = a[i] & ~SIGN;
        }
    }

    static void neg(int[] d, int[] a) {
        for (int i = 0; i < LANES; i++) {
            d[i] = a[i] ^ SIGN;
        }
    }

    static void reciprocal(int[] d, int[] a) {
        for (int i = 0; i < LANES; i++) {
            d[i] = bits(1 / f(a[i]));
        }
    }

    static void sqrt(int[] d, int[] a) {
        for (int i = 0; i < LANES; i++) {
            d[i] = bits((float) Math.sqrt(f(a[i])));
        }
    }

    static void fromInts(int[] d, int[] a) {
        for (int i = 0; i < LANES; i++) {
            d[i] = bits((float) a[i]);
        }
    }

    static void fromUnsigned(int[] d, int[] a) {
        for (int i = 0; i < LANES; i++) {
            d[i] = bits((float) (a[i] & 0xffffffffL));
        }
    }

    static void fromHalves(int[] d, int[] a) {
        for (int i = 0; i < LANES; i++) {
            d[i] = bits(Float.float16ToFloat((short) a[i]));
        }
    }

    static void toHalves(int[] d, int[] a) {
        for (int i = 0; i < LANES; i++) {
            d[i] = Floats.toHalf(f(a[i]));
        }
    }

    /// Java's casts saturate, and make zero of what is not a number, as PTX wants it.
    static void toIntsNearest(int[] d, int[] a) {
        for (int i = 0; i < LANES; i++) {
            d[i] = (int) Math.rint(f(a[i]));
        }
    }

    static void toIntsZero(int[] d, int[] a) {
        for (int i = 0; i < LANES; i++) {
            d[i] = (int) f(a[i]);
        }
    }
}
