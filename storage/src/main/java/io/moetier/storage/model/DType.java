package io.moetier.storage.model;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/// The element types of weights.
///
/// A block is the smallest unit that can be stored: one element, or as many quantised ones as share their scales in
/// ggml's definition of the type.
public enum DType {
    F32(1, 4),
    F16(1, 2),
    BF16(1, 2),
    Q8_0(32, 34),
    Q4_0(32, 18),
    Q4_1(32, 20),
    Q5_0(32, 22),
    Q5_1(32, 24),
    Q2_K(256, 84),
    Q3_K(256, 110),
    Q4_K(256, 144),
    Q5_K(256, 176),
    Q6_K(256, 210),
    IQ4_NL(32, 18),
    IQ4_XS(256, 136),
    MXFP4(32, 17),
    NVFP4(64, 36),
    Q1_0(128, 18),
    Q2_0(64, 18),
    TQ1_0(256, 54),
    TQ2_0(256, 66),
    IQ1_S(256, 50),
    IQ1_M(256, 56),
    IQ2_XXS(256, 66),
    IQ2_XS(256, 74),
    IQ2_S(256, 82),
    IQ3_XXS(256, 98),
    IQ3_S(256, 110);

    private final int blockElements;
    private final int blockBytes;

    DType(int blockElements, int blockBytes) {
        this.blockElements = blockElements;
        this.blockBytes = blockBytes;
    }

    /// Returns how many elements one block holds.
    public int blockElements() {
        return blockElements;
    }

    /// Returns how many bytes one block takes.
    public int blockBytes() {
        return blockBytes;
    }

    /// Returns the bytes of `elements` elements.
    ///
    /// @throws IllegalArgumentException if `elements` is not a whole number of blocks
    public long bytes(long elements) {
        if (elements % blockElements != 0) {
            throw new IllegalArgumentException(elements + " elements are not a whole number of " + this + " blocks");
        }
        return Math.multiplyExact(elements / blockElements, (long) blockBytes);
    }

    /// Returns the names of all types, as files that name types spell them.
    public static String names() {
        return Arrays.stream(values()).map(DType::name).collect(Collectors.joining(", "));
    }

    /// Returns the spelling used on command lines and in reports, for example `bf16`.
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
