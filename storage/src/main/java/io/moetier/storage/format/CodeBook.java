package io.moetier.storage.format;

/// What the four-bit codes of the types without evenly spaced values stand for, and the scale of `MXFP4`.
public final class CodeBook {
    private static final float[] IQ4 = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
    private static final float[] MXFP4 = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

    private CodeBook() {}

    /// Returns the value of a code of `IQ4_NL` and `IQ4_XS`, a whole number.
    public static float iq4(int code) {
        return IQ4[code];
    }

    /// Returns twice the value of a code of `MXFP4`, a whole number; zero has no sign.
    public static float mxfp4(int code) {
        return MXFP4[code];
    }

    /// Returns half of what the exponent of an `MXFP4` block stands for, `2^(exponent - 128)`.
    ///
    /// The two smallest are subnormal. Exponent 255, which the format's definition makes NaN, is `2^127` as
    /// in ggml.
    public static float halfOfExponent(int exponent) {
        return Float.intBitsToFloat(exponent < 2 ? 0x00200000 << exponent : (exponent - 1) << 23);
    }
}
