package io.moetier.runtime.convert;

import io.moetier.kernels.tensor.MatrixShape;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import io.moetier.storage.format.SafetensorsWriter;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.TensorInfo;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Writes `dense.safetensors`: the weights outside the routed experts, packed for the kernels.
///
/// Matrices are `U8` tensors padded to whole cache lines, whose [MatrixShape] stands in the file's metadata under the
/// tensor's name; vectors are plain `F32` tensors.
final class DenseFile {
    private final ModelSpec spec;
    private final MatrixReader reader;
    private final Map<String, MatrixShape> shapes = new LinkedHashMap<>();

    DenseFile(ModelSpec spec, MatrixReader reader, Quantisation quantisation) {
        this.spec = spec;
        this.reader = reader;
        Set<LinearSpec> routing = new HashSet<>(spec.routingLinears());
        for (LinearSpec linear : spec.denseLinears()) {
            TensorInfo source = reader.require(linear);
            DType target = routing.contains(linear)
                    ? source.dtype()
                    : quantisation.dense().target(source, linear.cols());
            shapes.put(linear.weight(), new MatrixShape(target, linear.rows(), linear.cols()));
        }
        spec.denseVectors().forEach(reader::requireVector);
    }

    /// Returns the bytes of the file.
    long bytes() {
        return SafetensorsWriter.fileBytes(entries(), metadata());
    }

    void write(Path file) throws IOException {
        try (SafetensorsWriter writer = SafetensorsWriter.create(file, entries(), metadata())) {
            for (LinearSpec linear : spec.denseLinears()) {
                writeMatrix(writer, linear);
            }
            for (VectorSpec vector : spec.denseVectors()) {
                writer.write(vector.name(), reader.readVector(vector));
            }
        }
    }

    private void writeMatrix(SafetensorsWriter writer, LinearSpec linear) throws IOException {
        MatrixShape shape = shape(linear);
        try (Arena arena = Arena.ofShared()) { // several threads fill it
            MemorySegment packed = arena.allocate(paddedBytes(shape), WeightMatrix.ALIGNMENT);
            reader.read(linear, shape.dtype(), packed.asSlice(0, shape.packedBytes()));
            writer.write(linear.weight(), packed);
        }
    }

    private List<SafetensorsWriter.Entry> entries() {
        List<SafetensorsWriter.Entry> entries = new ArrayList<>();
        for (LinearSpec linear : spec.denseLinears()) {
            entries.add(SafetensorsWriter.Entry.of(linear.weight(), "U8", paddedBytes(shape(linear))));
        }
        spec.denseVectors()
                .forEach(vector -> entries.add(SafetensorsWriter.Entry.of(vector.name(), "F32", vector.size())));
        return entries;
    }

    private Map<String, String> metadata() {
        Map<String, String> metadata = new LinkedHashMap<>();
        shapes.forEach((name, shape) -> metadata.put(name, shape.toString()));
        return metadata;
    }

    private MatrixShape shape(LinearSpec linear) {
        MatrixShape shape = shapes.get(linear.weight());
        if (shape == null) {
            throw new IllegalArgumentException("no dense matrix " + linear.weight());
        }
        return shape;
    }

    private static long paddedBytes(MatrixShape shape) {
        return (shape.packedBytes() + WeightMatrix.ALIGNMENT - 1) / WeightMatrix.ALIGNMENT * WeightMatrix.ALIGNMENT;
    }
}
