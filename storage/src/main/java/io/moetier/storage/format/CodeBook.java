package io.moetier.storage.format;

/// What the four-bit codes of the types without evenly spaced values stand for, and the scales of `MXFP4` and `NVFP4`.
public final class CodeBook {
    private static final float[] IQ4 = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
    private static final float[] MXFP4 = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

    private CodeBook() {}

    /// Returns the value of a code of `IQ4_NL` and `IQ4_XS`, a whole number.
    public static float iq4(int code) {
        return IQ4[code];
    }

    /// Returns twice the value of a code of `MXFP4` and `NVFP4`, a whole number; zero has no sign.
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

    /// Returns half of what a scale of `NVFP4` stands for: four bits of exponent, three of mantissa, and one that
    /// is not looked at.
    ///
    /// 127, which the format's definition makes NaN, is zero as in ggml.
    public static float halfOfScale(int scale) {
        int exponent = scale >> 3 & 15;
        int mantissa = scale & 7;
        return scale == 127 ? 0 : exponent == 0 ? mantissa * 0x1p-10f : (8 + mantissa) * powerOfTwo(exponent - 11);
    }

    private static float powerOfTwo(int exponent) {
        return Float.intBitsToFloat((127 + exponent) << 23);
    }
}
