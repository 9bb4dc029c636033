package io.moetier.storage.format;

import io.moetier.storage.model.DType;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.TensorInfo;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Where one tensor of a safetensors file lies, whatever its element type: `byteLength` bytes from `offset` of `file`.
///
/// `dtype` is the header's own spelling, for example `BF16` or `I64`. Only the types that the engine computes with have
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
                MalformedModelException.of(file, "tensor " + name + ": dtype", "F32, F16 or BF16", dtype));
    }

    private Optional<DType> computable() {
        return switch (dtype) {
            case "F32" -> Optional.of(DType.F32);
            case "F16" -> Optional.of(DType.F16);
            case "BF16" -> Optional.of(DType.BF16);
            default -> Optional.empty();
        };
    }

    long end() {
        return offset + byteLength;
    }
}
