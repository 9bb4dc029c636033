package io.moetier.emulator.ptx.lane;

import io.moetier.emulator.ptx.code.PtxType;
import io.moetier.emulator.ptx.code.Rounding;
import io.moetier.emulator.ptx.code.RowCode;
import io.moetier.emulator.ptx.code.ScalarCode;

/// The functions that PTX offers only approximately: here the nearest float, or one that is off by up to a few units in
/// the last place, as a device's may be. The same input always gets the same result.
public final class Approximation {
    private static final float HUGE = 0x1p126f;
    private static final int SERIES = 13;
    private static final double LN_2 = Math.log(2);

    private final long seed;
    private final int ulps;

    public Approximation(long seed, int ulps) {
        this.seed = seed;
        this.ulps = ulps;
    }

    void row(RowCode code, int[] d, int[] a) {
        for (int i = 0; i < IntRows.LANES; i++) {
            float x = Float.intBitsToFloat(a[i]);
            double exact = switch (code) {
                case APPROX_EX2 -> exp2(x);
                case APPROX_RSQRT -> rsqrt(x);
                case APPROX_LG2 -> Math.log(x) / LN_2;
                case APPROX_SIN -> Math.sin(x);
                case APPROX_COS -> Math.cos(x);
                case APPROX_TANH -> Math.tanh(x);
                default -> throw new IllegalStateException(code.toString());
            };
            d[i] = Float.floatToRawIntBits(disturbed((float) exact, a[i]));
        }
    }

    /// Returns a function of one value; for narrower types than a float it is rounded again.
    double of(ScalarCode code, PtxType type, double x) {
        double exact = switch (code) {
            case APPROX_EX2 -> exp2(x);
            case APPROX_RSQRT -> rsqrt(x);
            case APPROX_LG2 -> Math.log(x) / LN_2;
            case APPROX_SIN -> Math.sin(x);
            case APPROX_COS -> Math.cos(x);
            case APPROX_TANH -> Math.tanh(x);
            case APPROX_RCP -> 1 / x;
            case APPROX_SQRT -> Math.sqrt(x);
            default -> throw new IllegalStateException(code.toString());
        };
        float rounded = (float) exact;
        return type == PtxType.F32
                ? disturbed(rounded, Float.floatToRawIntBits((float) x))
                : Floats.round(type, exact, Rounding.NEAREST);
    }

    /// A device multiplies with the reciprocal, which of the largest divisors is zero.
    double div(double a, double b) {
        boolean vanishes = Math.abs(b) > HUGE && !Double.isInfinite(b);
        double exact = vanishes ? a * Math.copySign(0.0, b) : a / b;
        return disturbed((float) exact, Float.floatToRawIntBits((float) a) * 31 + Float.floatToRawIntBits((float) b));
    }

    /// 1/√x, which keeps the sign of a zero.
    private static double rsqrt(double x) {
        return 1 / Math.sqrt(x);
    }

    /// Splits off the whole number; e to the rest, at most ln 2 / 2, is summed up.
    static double exp2(double x) {
        if (!(x > -1000)) {
            return Double.isNaN(x) ? x : 0;
        }
        if (x > 1000) {
            return Double.POSITIVE_INFINITY;
        }
        double whole = Math.rint(x);
        double rest = (x - whole) * LN_2;
        double sum = 1;
        for (int n = SERIES; n > 0; n--) {
            sum = 1 + sum * rest * RECIPROCALS[n];
        }
        return sum * Double.longBitsToDouble(((long) whole + 1023) << 52);
    }

    private static final double[] RECIPROCALS = reciprocals();

    private static double[] reciprocals() {
        double[] values = new double[SERIES + 1];
        for (int n = 1; n <= SERIES; n++) {
            values[n] = 1.0 / n;
        }
        return values;
    }

    private float disturbed(float value, int input) {
        if (ulps == 0 || value == 0 || Float.isNaN(value) || Float.isInfinite(value)) {
            return value;
        }
        long hash = (input ^ seed) * 0x9e3779b97f4a7c15L;
        hash = (hash ^ hash >>> 29) * 0xbf58476d1ce4e5b9L;
        int off = (int) Long.remainderUnsigned(hash ^ hash >>> 32, 2L * ulps + 1) - ulps;
        return Float.intBitsToFloat(Float.floatToRawIntBits(value) + off);
    }
}
