package io.moetier.storage.model;

import java.nio.file.Path;
import java.util.List;

/// Where one tensor of a checkpoint lies: row-major, in `file`, `byteLength` bytes from `offset`.
public record TensorInfo(String name, DType dtype, List<Long> shape, Path file, long offset, long byteLength) {
    public TensorInfo {
        shape = List.copyOf(shape);
    }

    /// Returns the product of the dimensions; 1 for a scalar.
    public long numElements() {
        return shape.stream().reduce(1L, Math::multiplyExact);
    }
}
