package io.moetier.runtime.session;

import io.moetier.kernels.tensor.MatrixShape;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import io.moetier.runtime.model.weight.Weights;
import io.moetier.storage.expert.ExpertStore;
import io.moetier.storage.format.RawTensor;
import io.moetier.storage.format.SafetensorsFile;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.MalformedModelException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// The weights outside the routed experts, from a store's `dense.safetensors`, held in anonymous memory.
final class StoreWeights implements Weights {
    private final Path file;
    private final MemorySegment bytes;
    private final Map<String, RawTensor> tensors;
    private final Map<String, String> shapes;

    /// @param arena owns the memory of the weights
    StoreWeights(ExpertStore store, Arena arena) {
        file = store.denseFile();
        bytes = store.loadDense(arena); // checks the checksum, so the header read below is the one that was written
        try (SafetensorsFile header = SafetensorsFile.open(file)) {
            tensors = header.rawTensors();
            shapes = header.metadata();
        }
    }

    /// Returns the types of all matrices.
    Set<DType> dtypes() {
        return shapes.values().stream()
                .flatMap(shape -> MatrixShape.parse(shape).stream())
                .map(MatrixShape::dtype)
                .collect(Collectors.toCollection(() -> EnumSet.noneOf(DType.class)));
    }

    @Override
    public WeightMatrix matrix(LinearSpec spec) {
        String name = spec.weight();
        MatrixShape shape = MatrixShape.parse(shapes.getOrDefault(name, ""))
                .orElseThrow(() -> MalformedModelException.of(file, name, "a packed matrix", "none of that name"));
        if (shape.rows() != spec.rows() || shape.cols() != spec.cols()) {
            throw MalformedModelException.of(file, name, "[" + spec.rows() + ", " + spec.cols() + "]", shape);
        }
        return new WeightMatrix(shape.dtype(), spec.rows(), spec.cols(), slice(name, shape.packedBytes()));
    }

    @Override
    public MemorySegment bias(VectorSpec spec) {
        return MemorySegment.ofArray(vector(spec));
    }

    @Override
    public float[] vector(VectorSpec spec) {
        return slice(spec.name(), (long) spec.size() * Float.BYTES).toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
    }

    private MemorySegment slice(String name, long byteLength) {
        RawTensor tensor = tensors.get(name);
        if (tensor == null || tensor.byteLength() < byteLength) {
            throw MalformedModelException.of(
                    file, name, byteLength + " bytes", tensor == null ? "no such tensor" : tensor.byteLength());
        }
        return bytes.asSlice(tensor.offset(), byteLength);
    }
}
