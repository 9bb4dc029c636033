package io.moetier.runtime.convert;

import io.moetier.runtime.model.family.Families;
import io.moetier.runtime.model.gguf.GgufModel;
import io.moetier.runtime.model.gguf.GgufTower;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.TensorSlice;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import io.moetier.runtime.text.GgufTokenizer;
import io.moetier.runtime.text.Tokenizer;
import io.moetier.storage.format.GgufParts;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.format.RawTensor;
import io.moetier.storage.format.TextFile;
import io.moetier.storage.model.DType;
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
import java.util.stream.Stream;

/// A model in a GGUF file, or in several, and the file of its tower for images.
final class GgufSource implements ModelSource {
    /// Counts how metadata was read: a store holds the configuration that was made of it, so what is read otherwise now
    /// has to be imported again.
    private static final String READING = "-6";

    private final GgufParts parts;
    private final Optional<Mmproj> mmproj;
    private final Optional<String> whyNoPictures;
    private final GgufModel model;
    private final String fingerprint;

    private GgufSource(GgufParts parts, Optional<Mmproj> mmproj, Optional<String> whyNoPictures) {
        this.parts = parts;
        this.mmproj = mmproj;
        this.whyNoPictures = whyNoPictures;
        this.model = mmproj.map(Mmproj::model).orElseGet(() -> Families.describe(parts));
        this.fingerprint = parts.fingerprint()
                + mmproj.map(tower -> "-" + tower.parts().fingerprint()).orElse("")
                + READING;
    }

    /// @param tower the file of the tower; if none is named, one beside the model is taken
    static GgufSource of(Path file, Optional<Path> tower) {
        GgufParts parts = GgufParts.open(file);
        try {
            if (tower.isPresent()) {
                return of(parts, Mmproj.open(parts, tower.get(), false));
            }
            MmprojFolder beside = MmprojFolder.of(parts);
            return beside.only().isPresent()
                    ? of(parts, Mmproj.open(parts, beside.only().get(), true))
                    : new GgufSource(parts, Optional.empty(), beside.whyNone());
        } catch (RuntimeException | Error e) {
            parts.close();
            throw e;
        }
    }

    private static GgufSource of(GgufParts parts, Mmproj mmproj) {
        try {
            return new GgufSource(parts, Optional.of(mmproj), Optional.empty());
        } catch (RuntimeException | Error e) {
            mmproj.close();
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

    /// Returns what a part of a tensor would be if it were one of its own; its place is that of the tensor. Columns of
    /// blocks, which hold parts of rows, are read in single precision.
    private static TensorInfo own(GgufModel.Weight weight, long... shape) {
        TensorInfo whole = weight.tensor().require();
        DType dtype = isOfColumnsOfBlocks(weight) ? DType.F32 : whole.dtype();
        return new TensorInfo(
                whole.name(),
                dtype,
                Arrays.stream(shape).boxed().toList(),
                whole.file(),
                whole.offset(),
                dtype.bytes(Arrays.stream(shape).reduce(1, Math::multiplyExact)));
    }

    private static boolean isOfColumnsOfBlocks(GgufModel.Weight weight) {
        DType dtype = weight.tensor().require().dtype();
        return weight.elements()
                .filter(slice -> DecodedSlice.isNeeded(slice, dtype))
                .isPresent();
    }

    @Override
    public TensorInfo require(VectorSpec vector) {
        if (vector.whole()) {
            RawTensor table = table(vector);
            List<Long> shape = List.of((long) vector.size());
            long bytes = DType.F32.bytes(vector.size());
            return new TensorInfo(table.name(), DType.F32, shape, table.file(), table.offset(), bytes);
        }
        return partOf(vector.name())
                .map(weight -> own(weight, vector.size()))
                .orElseGet(() -> weight(vector.name(), vector.size()).tensor().require());
    }

    private RawTensor table(VectorSpec table) {
        List<Long> shape = table.slice().map(TensorSlice::shape).orElse(List.of((long) table.size()));
        return weight(table.name(), shape.stream().mapToLong(Long::longValue).toArray())
                .tensor();
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
        if (part.filter(GgufSource::isOfColumnsOfBlocks).isPresent()) {
            TensorInfo whole = part.get().tensor().require();
            new DecodedSlice(
                            part.get().elements().orElseThrow(),
                            whole.dtype(),
                            (from, bytes) -> file(whole).read(whole, from, bytes))
                    .read(linear.cols(), firstRow, dst);
            return;
        }
        if (part.isPresent() && !part.get().elements().orElseThrow().isOfWholeRows()) {
            TensorInfo whole = part.get().tensor().require();
            int turns = part.get().turns();
            new SliceReader(
                            part.get().elements().orElseThrow(),
                            linear.cols() / turns,
                            whole.dtype().blockBytes(),
                            (from, bytes) -> file(whole).read(whole, from, bytes))
                    .read(firstRow * turns, dst);
            return;
        }
        GgufModel.Weight weight = part.orElseGet(() -> weight(linear));
        TensorInfo tensor = weight.tensor().require();
        long rowBytes = tensor.dtype().bytes(linear.cols());
        if (weight.frames().isPresent()) {
            GgufModel.Frames frames = weight.frames().get();
            TensorInfo second = frames.second().require();
            new FrameReader(
                            tensor.dtype().bytes(frames.length()),
                            (from, bytes) -> file(tensor).read(tensor, from, bytes),
                            (from, bytes) -> file(second).read(second, from, bytes))
                    .read(firstRow, rowBytes, dst);
            return;
        }
        if (!weight.isOfScatteredRows()) {
            file(tensor).read(tensor, firstRow * rowBytes, dst);
            return;
        }
        for (long row = 0; row * rowBytes < dst.byteSize(); row++) {
            long inFile = weight.rowInFile(firstRow + row);
            file(tensor).read(tensor, inFile * rowBytes, dst.asSlice(row * rowBytes, rowBytes));
        }
    }

    /// Returns what holds a tensor.
    private GgufParts file(TensorInfo tensor) {
        return mmproj.map(Mmproj::parts)
                .filter(tower ->
                        tower.files().stream().anyMatch(file -> file.file().equals(tensor.file())))
                .orElse(parts);
    }

    @Override
    public float[] readFloats(VectorSpec vector) {
        if (vector.whole()) {
            return parts.readIntegers(table(vector));
        }
        GgufModel.Weight weight = partOf(vector.name()).orElseGet(() -> weight(vector.name(), vector.size()));
        TensorInfo tensor = weight.tensor().require();
        float[] all = file(tensor).readFloats(tensor);
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

    /// Those of sound are in the file of the tower, if there is one.
    @Override
    public int numEncoderTensors() {
        return model.numEncoderTensors()
                + model.tower().map(GgufTower::numSoundTensors).orElse(0);
    }

    @Override
    public Optional<Tower> tower() {
        return mmproj.map(Mmproj::place);
    }

    @Override
    public Optional<String> whyNoPictures() {
        return whyNoPictures;
    }

    @Override
    public long totalBytes() {
        return Stream.concat(Stream.of(parts), mmproj.map(Mmproj::parts).stream())
                .flatMap(files -> files.tensors().values().stream())
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
        if (model.tower().isPresent()) {
            JsonObject preprocessor = model.tower().get().preprocessor();
            write(directory, "preprocessor_config.json", Json.writePretty(preprocessor.asMap()) + "\n");
        }
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
        mmproj.ifPresent(Mmproj::close);
        parts.close();
    }
}
