package io.moetier.engine.convert;

import io.moetier.engine.model.family.Families;
import io.moetier.engine.model.family.GgufModel;
import io.moetier.engine.model.spec.LinearSpec;
import io.moetier.engine.model.spec.ModelSpec;
import io.moetier.engine.model.spec.VectorSpec;
import io.moetier.engine.text.GgufTokenizer;
import io.moetier.storage.format.GgufParts;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.format.RawTensor;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.TensorInfo;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A model in a GGUF file, or in several.
final class GgufSource implements ModelSource {
    private final GgufParts parts;
    private final GgufModel model;
    private final String fingerprint;
    /// The weights whose rows are read in another order, by their names in the file.
    private final Map<String, GgufModel.Weight> reordered = new HashMap<>();

    private GgufSource(GgufParts parts) {
        this.parts = parts;
        this.model = Families.describe(parts);
        this.fingerprint = parts.fingerprint();
        for (GgufModel.Weight weight : model.weights().values()) {
            if (weight.headRows() != 0) {
                reordered.put(weight.tensor().name(), weight);
            }
        }
    }

    static GgufSource of(Path file) {
        GgufParts parts = GgufParts.open(file);
        try {
            return new GgufSource(parts);
        } catch (RuntimeException | Error e) {
            parts.close();
            throw e;
        }
    }

    @Override
    public Path path() {
        return parts.files().getFirst().file();
    }

    @Override
    public String kind() {
        return "GGUF";
    }

    @Override
    public String name() {
        return GgufParts.nameOf(path());
    }

    @Override
    public ModelSpec spec() {
        return model.spec();
    }

    @Override
    public Optional<String> tokenizer() {
        JsonObject metadata = parts.metadata();
        return GgufTokenizer.isPresent(metadata)
                ? metadata.optionalString("tokenizer.ggml.model")
                        .map(model -> metadata.optionalString("tokenizer.ggml.pre")
                                .map(pre -> model + ", " + pre)
                                .orElse(model))
                : Optional.empty();
    }

    @Override
    public Map<String, Object> metadata() {
        Map<String, Object> values = new LinkedHashMap<>();
        parts.metadata().asMap().forEach((key, value) -> {
            if (value != null) {
                values.put(key, value);
            }
        });
        return values;
    }

    @Override
    public TensorInfo require(LinearSpec linear) {
        return require(linear.weight(), linear.rows(), linear.cols());
    }

    @Override
    public TensorInfo require(VectorSpec vector) {
        return require(vector.name(), vector.size());
    }

    private TensorInfo require(String name, long... shape) {
        List<Long> expected = Arrays.stream(shape).boxed().toList();
        GgufModel.Weight weight = model.weights().get(name);
        if (weight == null) {
            throw MalformedModelException.of(path(), "tensor " + name, "shape " + expected, "no such tensor");
        }
        if (!weight.tensor().shape().equals(expected)) {
            throw MalformedModelException.of(
                    weight.tensor().file(),
                    "tensor " + weight.tensor().name(),
                    "shape " + expected,
                    weight.tensor().shape());
        }
        return weight.tensor().require();
    }

    @Override
    public void read(TensorInfo tensor, long fromByte, MemorySegment dst) {
        GgufModel.Weight weight = reordered.get(tensor.name());
        if (weight == null) {
            parts.read(tensor, fromByte, dst);
            return;
        }
        long rowBytes = tensor.dtype().bytes(tensor.shape().getLast());
        if (fromByte % rowBytes != 0 || dst.byteSize() % rowBytes != 0) {
            throw new IllegalArgumentException("tensor " + tensor.name() + " has rows of " + rowBytes + " bytes, not "
                    + dst.byteSize() + " from byte " + fromByte);
        }
        for (long at = 0; at < dst.byteSize(); at += rowBytes) {
            long row = weight.rowInFile((fromByte + at) / rowBytes);
            parts.read(tensor, row * rowBytes, dst.asSlice(at, rowBytes));
        }
    }

    @Override
    public float[] readFloats(TensorInfo tensor) {
        return parts.readFloats(tensor);
    }

    @Override
    public long totalBytes() {
        return parts.tensors().values().stream()
                .mapToLong(RawTensor::byteLength)
                .sum();
    }

    @Override
    public String fingerprint() {
        return fingerprint;
    }

    @Override
    public void writeCompanions(Path directory) throws IOException {
        Files.writeString(
                directory.resolve("config.json"),
                Json.writePretty(model.config().asMap()) + "\n");
        if (tokenizer().isPresent()) {
            JsonObject metadata = parts.metadata();
            write(directory, "tokenizer.json", GgufTokenizer.toTokenizerJson(metadata));
            write(directory, "tokenizer_config.json", GgufTokenizer.toTokenizerConfigJson(metadata));
            write(directory, "generation_config.json", GgufTokenizer.toGenerationConfigJson(metadata));
        }
    }

    private static void write(Path directory, String name, String text) throws IOException {
        Files.writeString(directory.resolve(name), text);
    }

    @Override
    public void close() {
        parts.close();
    }
}
