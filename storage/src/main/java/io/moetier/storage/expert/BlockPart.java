package io.moetier.storage.expert;

import io.moetier.storage.model.DType;

/// One matrix inside an expert's block: `byteLength` bytes from `offset` of the block, in the row layout of the kernel
/// that reads it.
public record BlockPart(String name, DType dtype, int rows, int cols, long offset, long byteLength) {
    /// Every part starts at a multiple of this many bytes, one cache line.
    public static final int ALIGNMENT = 64;

    /// @throws IllegalArgumentException if a size is not positive or the offset is not a multiple of [#ALIGNMENT]
    public BlockPart {
        if (rows < 1 || cols < 1 || byteLength < 1) {
            throw new IllegalArgumentException(
                    "part " + name + ": empty: " + rows + " x " + cols + ", " + byteLength + " bytes");
        }
        if (offset < 0 || offset % ALIGNMENT != 0) {
            throw new IllegalArgumentException(
                    "part " + name + ": offset " + offset + " is not a multiple of " + ALIGNMENT);
        }
    }

    long endOffset() {
        return Math.addExact(offset, byteLength);
    }
}
