package io.moetier.storage.format;

import io.moetier.storage.model.DType;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.TensorInfo;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// Where one tensor of a weight file lies, whatever its element type: `byteLength` bytes from `offset` of `file`,
/// row-major.
///
/// `dtype` is the header's own spelling, for example `BF16` or `I64`, or in a GGUF file the name of ggml's type. Only
/// the types that the engine computes with have
/// a [DType]; the others can be read as bytes, and are refused by name when someone asks for numbers.
public record RawTensor(String name, String dtype, List<Long> shape, Path file, long offset, long byteLength) {
    public RawTensor {
        shape = List.copyOf(shape);
    }

    /// Returns this tensor if its element type is one the engine computes with.
    public Optional<TensorInfo> usable() {
        return computable().map(type -> new TensorInfo(name, type, shape, file, offset, byteLength));
    }

    /// Returns this tensor as one the engine computes with.
    ///
    /// @throws MalformedModelException if its element type is another one
    public TensorInfo require() {
        return usable().orElseThrow(() ->
                MalformedModelException.of(file, "tensor " + name + ": dtype", "one of " + DType.names(), dtype));
    }

    private Optional<DType> computable() {
        String computed = dtype.equals(GgmlType.MXFP4_IN_PAIRS.name()) ? DType.MXFP4.name() : dtype;
        return Arrays.stream(DType.values())
                .filter(type -> type.name().equals(computed))
                .findFirst();
    }

    /// Returns the same bytes in another shape of as many elements.
    RawTensor inShape(List<Long> other) {
        return new RawTensor(name, dtype, other, file, offset, byteLength);
    }

    /// Returns the same tensor `bytes` further behind in its file.
    RawTensor movedBy(long bytes) {
        return new RawTensor(name, dtype, shape, file, offset + bytes, byteLength);
    }

    long end() {
        return offset + byteLength;
    }
}
