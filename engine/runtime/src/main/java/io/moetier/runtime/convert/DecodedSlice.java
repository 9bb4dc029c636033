package io.moetier.runtime.convert;

import io.moetier.runtime.model.spec.weight.TensorSlice;
import io.moetier.storage.format.Floats;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Reads rows of a matrix that has parts of the rows of a tensor of blocks, in single precision.
///
/// @param dtype of the tensor
record DecodedSlice(TensorSlice slice, DType dtype, SliceReader.Bytes tensor) {
    /// Says whether a slice is read so, as its rows are not whole ones of a tensor of this type.
    static boolean isNeeded(TensorSlice slice, DType dtype) {
        return dtype.blockElements() > 1 && !slice.isOfWholeRows();
    }

    /// Fills `dst` with whole rows of `cols` elements from `firstRow` on: decodes all rows of the tensor that some of
    /// these elements lie in.
    void read(int cols, int firstRow, MemorySegment dst) {
        long width = slice.shape().getLast();
        int rows = Math.toIntExact(dst.byteSize() / DType.F32.bytes(cols));
        long first = slice.index(firstRow, 0) / width;
        long count = slice.index(firstRow + rows - 1, cols - 1) / width - first + 1;
        float[] decoded = new float[Math.toIntExact(count * width)];
        try (Arena arena = Arena.ofConfined()) {
            long rowBytes = dtype.bytes(width);
            MemorySegment blocks = arena.allocate(count * rowBytes);
            tensor.read(first * rowBytes, blocks);
            Floats.decode(dtype, blocks, decoded.length, decoded, 0);
        }
        for (int row = 0; row < rows; row++) {
            for (int col = 0; col < cols; col++) {
                float element = decoded[(int) (slice.index(firstRow + row, col) - first * width)];
                dst.set(ValueLayout.JAVA_FLOAT_UNALIGNED, DType.F32.bytes((long) row * cols + col), element);
            }
        }
    }
}
