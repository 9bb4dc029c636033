package io.moetier.storage.model;

import java.util.Locale;

/// The element types of weights that this version computes with.
///
/// A block is the smallest unit that can be stored: one element, or for `Q8_0` the 32 int8 values and their float16
/// scale as ggml defines them.
public enum DType {
    F32(1, 4),
    F16(1, 2),
    BF16(1, 2),
    Q8_0(32, 34);

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

    /// Returns the spelling used on command lines and in reports, for example `bf16`.
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
