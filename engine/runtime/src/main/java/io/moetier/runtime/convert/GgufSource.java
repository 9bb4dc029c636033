package io.moetier.runtime.convert;

import io.moetier.runtime.model.family.Families;
import io.moetier.runtime.model.gguf.GgufModel;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import io.moetier.runtime.text.GgufTokenizer;
import io.moetier.runtime.text.Tokenizer;
import io.moetier.storage.format.GgufParts;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.format.RawTensor;
import io.moetier.storage.format.TextFile;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.TensorInfo;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A model in a GGUF file, or in several.
final class GgufSource implements ModelSource {
    private final GgufParts parts;
    private final GgufModel model;
    private final String fingerprint;

    private GgufSource(GgufParts parts) {
        this.parts = parts;
        this.model = Families.describe(parts);
        this.fingerprint = parts.fingerprint();
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
        return partOf(linear.weight())
                .map(weight -> own(weight, linear.rows(), linear.cols()))
                .orElseGet(() -> weight(linear).tensor().require());
    }

    /// Returns the weight of this name if it has some elements of a tensor alone.
    private Optional<GgufModel.Weight> partOf(String name) {
        return Optional.ofNullable(model.weights().get(name))
                .filter(weight -> weight.elements().isPresent());
    }

    /// Returns what a part of a tensor would be if it were one of its own; its place is that of the tensor.
    private static TensorInfo own(GgufModel.Weight weight, long... shape) {
        TensorInfo whole = weight.tensor().require();
        return new TensorInfo(
                whole.name(),
                whole.dtype(),
                Arrays.stream(shape).boxed().toList(),
                whole.file(),
                whole.offset(),
                whole.dtype().bytes(Arrays.stream(shape).reduce(1, Math::multiplyExact)));
    }

    @Override
    public TensorInfo require(VectorSpec vector) {
        return partOf(vector.name())
                .map(weight -> own(weight, vector.size()))
                .orElseGet(() -> weight(vector.name(), vector.size()).tensor().require());
    }

    private GgufModel.Weight weight(LinearSpec linear) {
        return weight(linear.weight(), linear.rows(), linear.cols());
    }

    private GgufModel.Weight weight(String name, long... shape) {
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
        return weight;
    }

    @Override
    public void read(LinearSpec linear, int firstRow, MemorySegment dst) {
        Optional<GgufModel.Weight> part = partOf(linear.weight());
        if (part.isPresent() && !part.get().elements().orElseThrow().isOfWholeRows()) {
            TensorInfo whole = part.get().tensor().require();
            new SliceReader(
                            part.get().elements().orElseThrow(),
                            linear.cols(),
                            whole.dtype().blockBytes(),
                            (from, bytes) -> parts.read(whole, from, bytes))
                    .read(firstRow, dst);
            return;
        }
        GgufModel.Weight weight = part.orElseGet(() -> weight(linear));
        TensorInfo tensor = weight.tensor().require();
        long rowBytes = tensor.dtype().bytes(linear.cols());
        if (!weight.isOfScatteredRows()) {
            parts.read(tensor, firstRow * rowBytes, dst);
            return;
        }
        for (long row = 0; row * rowBytes < dst.byteSize(); row++) {
            long inFile = weight.rowInFile(firstRow + row);
            parts.read(tensor, inFile * rowBytes, dst.asSlice(row * rowBytes, rowBytes));
        }
    }

    @Override
    public float[] readFloats(VectorSpec vector) {
        GgufModel.Weight weight = partOf(vector.name()).orElseGet(() -> weight(vector.name(), vector.size()));
        float[] all = parts.readFloats(weight.tensor().require());
        float[] floats = new float[vector.size()];
        for (int i = 0; i < floats.length; i++) {
            int element = i;
            float value = all[
                    weight.elements().map(part -> (int) part.index(element, 0)).orElse(element)];
            floats[i] = weight.change().undo(value);
        }
        return floats;
    }

    /// Any other tensor that is not part of the model is refused.
    @Override
    public int numGuessingTensors() {
        return model.numGuessingTensors();
    }

    /// They are in files of their own (`mmproj`).
    @Override
    public int numEncoderTensors() {
        return 0;
    }

    @Override
    public boolean lacksTower() {
        return false;
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
    public void checkTokenizer() {
        if (tokenizer().isPresent()) {
            JsonObject metadata = parts.metadata();
            Tokenizer.check(GgufTokenizer.toTokenizerJson(metadata), metadata.source());
        }
    }

    @Override
    public void writeCompanions(Path directory) throws IOException {
        TextFile.write(
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
        TextFile.write(directory.resolve(name), text);
    }

    @Override
    public void close() {
        parts.close();
    }
}
