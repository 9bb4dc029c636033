package io.moetier.runtime.convert;

import io.moetier.runtime.model.family.Families;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.MatrixSlice;
import io.moetier.runtime.model.spec.weight.Mxfp4Slice;
import io.moetier.runtime.model.spec.weight.TensorSlice;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import io.moetier.runtime.text.SentencePieceConverter;
import io.moetier.runtime.text.TiktokenConverter;
import io.moetier.runtime.text.Tokenizer;
import io.moetier.storage.format.Checkpoint;
import io.moetier.storage.format.Floats;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.RawTensor;
import io.moetier.storage.format.TextFile;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.TensorInfo;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/// A model in a Hugging Face checkpoint.
final class CheckpointSource implements ModelSource {
    private static final Pattern NUMBERED = Pattern.compile("model\\.layers\\.(\\d{1,6})\\..*");
    private static final Pattern OF_ENCODERS =
            Pattern.compile("(model\\.|thinker\\.)?(visual|vision_model|vision_tower|audio_tower"
                    + "|embed_vision|embed_audio|multi_modal_projector|mm_projector|patch_merge_mlp"
                    + "|vit_large_projector)\\..*");
    private static final Pattern NAMED = Pattern.compile("(model\\.)?mtp[._].*");
    private static final String WEIGHT = ".weight";
    private static final String CONFIG = "config.json";
    private static final String TOKENIZER = "tokenizer.json";
    private static final String SENTENCE_PIECE = "tokenizer.model";
    private static final String TIKTOKEN = "tiktoken.model";

    private final Checkpoint checkpoint;
    private final StoredNames names;
    private final ModelSpec spec;
    private final boolean lacksTower;

    private CheckpointSource(Checkpoint checkpoint, boolean mtp) {
        this.checkpoint = checkpoint;
        names = new StoredNames(checkpoint::has);
        ModelSpec whole = Families.describeWithMtp(checkpoint.config());
        boolean hasMtp = whole.mtp().stream()
                .flatMap(around -> around.ofHidden().tensors())
                .anyMatch(names::contains);
        ModelSpec described = mtp && hasMtp ? whole : whole.withoutMtp();
        spec = described.seeingIf(names::contains);
        lacksTower = described.vision().isPresent() && spec.vision().isEmpty();
        checkpoint.file("generation_config.json").map(Json::readObject).ifPresent(config -> {
            Families.endOfSequence(config, spec);
            Families.suppressedTokens(config, spec);
            Families.forcedFirstToken(config, spec);
        });
    }

    static CheckpointSource of(Path directoryOrFile) {
        return of(directoryOrFile, false);
    }

    /// @throws IllegalArgumentException if the model has no layer for multi-token prediction that can be computed
    static CheckpointSource withMtp(Path directoryOrFile) {
        CheckpointSource source = of(directoryOrFile, true);
        if (source.spec.mtp().isEmpty()) {
            source.close();
            throw new IllegalArgumentException(
                    directoryOrFile + " has no layer for multi-token prediction (MTP) of a kind that is computed");
        }
        return source;
    }

    private static CheckpointSource of(Path directoryOrFile, boolean mtp) {
        Checkpoint checkpoint = Checkpoint.open(directoryOrFile);
        try {
            return new CheckpointSource(checkpoint, mtp);
        } catch (RuntimeException | Error e) {
            checkpoint.close();
            throw e;
        }
    }

    @Override
    public Path path() {
        return checkpoint.path();
    }

    @Override
    public String kind() {
        return "checkpoint";
    }

    @Override
    public String name() {
        return checkpoint.name();
    }

    @Override
    public ModelSpec spec() {
        return spec;
    }

    @Override
    public Optional<String> tokenizer() {
        return Stream.of(TOKENIZER, SENTENCE_PIECE, TIKTOKEN)
                .filter(name -> checkpoint.file(name).isPresent())
                .findFirst();
    }

    @Override
    public Map<String, Object> metadata() {
        Map<String, Object> readAsOthers = new LinkedHashMap<>();
        put(readAsOthers, "fp8", checkpoint.numFloat8Tensors(), DType.BF16);
        put(readAsOthers, "int4", checkpoint.numPackedTensors(), DType.Q4_0);
        return readAsOthers;
    }

    private static void put(Map<String, Object> readAsOthers, String stored, int count, DType read) {
        if (count > 0) {
            readAsOthers.put(stored, count + " tensors, read as " + read.label());
        }
    }

    @Override
    public TensorInfo require(LinearSpec linear) {
        return slice(linear)
                .map(slice -> require(slice, linear))
                .orElseGet(() -> checkpoint.require(names.of(linear.weight()), linear.rows(), linear.cols()));
    }

    @Override
    public TensorInfo require(VectorSpec vector) {
        if (vector.whole()) {
            RawTensor table = requireTable(vector);
            List<Long> shape = List.of((long) vector.size());
            long bytes = DType.F32.bytes(vector.size());
            return new TensorInfo(table.name(), DType.F32, shape, table.file(), table.offset(), bytes);
        }
        return vector.slice()
                .map(slice -> require(slice, vector.size()))
                .orElseGet(() -> checkpoint.require(names.of(vector.name()), vector.size()));
    }

    /// Where a matrix has a tensor of its own although most checkpoints have it in another's, it lies there.
    private Optional<MatrixSlice> slice(LinearSpec linear) {
        return packed(linear).or(() -> linear.slice().filter(slice -> !names.contains(linear.weight())));
    }

    /// A matrix in MXFP4 whose codes have its name, and whose exponents lie beside it, as DeepSeek-V4 has its experts.
    private Optional<MatrixSlice> packed(LinearSpec linear) {
        String name = linear.weight();
        int rows = linear.rows();
        int codes = linear.cols() / 2;
        int exponents = linear.cols() / Mxfp4Slice.BLOCK;
        String scale = name.endsWith(WEIGHT) ? name.substring(0, name.length() - WEIGHT.length()) + ".scale" : name;
        boolean isPacked = linear.cols() % Mxfp4Slice.BLOCK == 0
                && checkpoint.hasBytes(name, rows, codes)
                && checkpoint.hasBytes(scale, rows, exponents);
        return isPacked
                ? Optional.of(new Mxfp4Slice(
                        TensorSlice.rows(name, List.of((long) rows, (long) codes), 0, codes),
                        TensorSlice.rows(scale, List.of((long) rows, (long) exponents), 0, exponents)))
                : Optional.empty();
    }

    private TensorInfo require(MatrixSlice slice, LinearSpec linear) {
        return switch (slice) {
            case TensorSlice elements -> require(elements, linear.rows(), linear.cols());
            case Mxfp4Slice blocks -> require(blocks, linear);
        };
    }

    private TensorInfo require(Mxfp4Slice slice, LinearSpec linear) {
        RawTensor codes = requireBytes(slice.codes());
        requireBytes(slice.exponents());
        List<Long> shape = List.of((long) linear.rows(), (long) linear.cols());
        long bytes = linear.rows() * DType.MXFP4.bytes(linear.cols());
        return new TensorInfo(codes.name(), DType.MXFP4, shape, codes.file(), codes.offset(), bytes);
    }

    private RawTensor requireBytes(TensorSlice slice) {
        return checkpoint.requireBytes(
                names.of(slice.tensor()),
                slice.shape().stream().mapToLong(Long::longValue).toArray());
    }

    /// Returns what a slice would be if it were a tensor of its own; its place is that of the tensor it is cut from.
    /// Parts of rows of blocks are read in single precision.
    private TensorInfo require(TensorSlice slice, long... shape) {
        TensorInfo tensor = requireWhole(slice);
        long elements = LongStream.of(shape).reduce(1, Math::multiplyExact);
        List<Long> own = LongStream.of(shape).boxed().toList();
        DType dtype = DecodedSlice.isNeeded(slice, tensor.dtype()) ? DType.F32 : tensor.dtype();
        return new TensorInfo(tensor.name(), dtype, own, tensor.file(), tensor.offset(), dtype.bytes(elements));
    }

    private RawTensor requireTable(VectorSpec table) {
        List<Long> shape = table.slice().map(TensorSlice::shape).orElse(List.of((long) table.size()));
        return checkpoint.requireIntegers(
                table.name(), shape.stream().mapToLong(Long::longValue).toArray());
    }

    private TensorInfo requireWhole(TensorSlice slice) {
        return checkpoint.require(
                names.of(slice.tensor()),
                slice.shape().stream().mapToLong(Long::longValue).toArray());
    }

    @Override
    public void read(LinearSpec linear, int firstRow, MemorySegment dst) {
        TensorInfo matrix = require(linear);
        switch (slice(linear).orElse(null)) {
            case null -> checkpoint.read(matrix, firstRow * matrix.dtype().bytes(linear.cols()), dst);
            case TensorSlice slice -> read(slice, linear.cols(), firstRow, dst);
            case Mxfp4Slice slice -> read(slice, linear.cols(), firstRow, dst);
        }
    }

    private void read(Mxfp4Slice slice, int cols, int firstRow, MemorySegment dst) {
        RawTensor codes = requireBytes(slice.codes());
        RawTensor exponents = requireBytes(slice.exponents());
        new Mxfp4Reader(
                        slice,
                        cols,
                        (from, part) -> checkpoint.read(codes, from, part),
                        (from, part) -> checkpoint.read(exponents, from, part))
                .read(firstRow, dst);
    }

    private void read(TensorSlice slice, int cols, int firstRow, MemorySegment dst) {
        TensorInfo tensor = requireWhole(slice);
        SliceReader.Bytes bytes = (from, part) -> checkpoint.read(tensor, from, part);
        DType dtype = tensor.dtype();
        if (DecodedSlice.isNeeded(slice, dtype)) {
            new DecodedSlice(slice, dtype, bytes).read(cols, firstRow, dst);
        } else {
            int block = dtype.blockElements();
            new SliceReader(slice.ofBlocks(block), cols / block, dtype.blockBytes(), bytes).read(firstRow, dst);
        }
    }

    @Override
    public float[] readFloats(VectorSpec vector) {
        if (vector.whole()) {
            return checkpoint.readIntegers(requireTable(vector));
        }
        TensorInfo tensor = require(vector);
        return vector.slice().map(slice -> readFloats(slice, tensor)).orElseGet(() -> checkpoint.readFloats(tensor));
    }

    private float[] readFloats(TensorSlice slice, TensorInfo vector) {
        float[] floats = new float[Math.toIntExact(vector.numElements())];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(vector.byteLength());
            read(slice, 1, 0, bytes);
            Floats.decode(vector.dtype(), bytes, floats.length, floats, 0);
        }
        return floats;
    }

    @Override
    public int numGuessingTensors() {
        return spec.mtp().isPresent()
                ? 0
                : (int) checkpoint.names().stream()
                        .filter(this::isOfGuessingLayer)
                        .count();
    }

    @Override
    public int numEncoderTensors() {
        return spec.vision().isPresent()
                ? 0
                : (int) checkpoint.names().stream()
                        .filter(name -> OF_ENCODERS.matcher(name).matches())
                        .count();
    }

    @Override
    public Optional<Tower> tower() {
        return Optional.empty();
    }

    @Override
    public Optional<String> whyNoPictures() {
        return lacksTower
                ? Optional.of("the checkpoint has no tensors of the tower that its config.json has")
                : Optional.empty();
    }

    /// DeepSeek and GLM number such layers on behind the others, ERNIE and Qwen call them `mtp`.
    private boolean isOfGuessingLayer(String tensor) {
        Matcher numbered = NUMBERED.matcher(tensor);
        return NAMED.matcher(tensor).matches()
                || (numbered.matches()
                        && Integer.parseInt(numbered.group(1)) >= spec.layers().size());
    }

    @Override
    public long totalBytes() {
        return checkpoint.totalBytes();
    }

    @Override
    public String fingerprint() {
        return checkpoint.fingerprint();
    }

    @Override
    public void checkTokenizer() {
        switch (tokenizer().orElse("")) {
            case "" -> {}
            case TOKENIZER -> Tokenizer.check(checkpoint.file(TOKENIZER).orElseThrow());
            case String other ->
                Tokenizer.check(converted(other), checkpoint.file(other).orElseThrow());
        }
    }

    /// Returns the text of a `tokenizer.json`.
    private String converted(String vocabulary) {
        Path file = checkpoint.file(vocabulary).orElseThrow();
        Optional<Path> config = checkpoint.file("tokenizer_config.json");
        return vocabulary.equals(TIKTOKEN)
                ? TiktokenConverter.toTokenizerJson(file, config)
                : SentencePieceConverter.toTokenizerJson(file, config);
    }

    @Override
    public void writeCompanions(Path directory) throws IOException {
        copy(checkpoint.config().source(), directory.resolve(CONFIG));
        for (Path companion : checkpoint.companions()) {
            copy(companion, directory.resolve(companion.getFileName()));
        }
        Optional<String> vocabulary = tokenizer().filter(name -> !name.equals(TOKENIZER));
        if (vocabulary.isPresent()) {
            TextFile.write(directory.resolve(TOKENIZER), converted(vocabulary.get()));
        }
    }

    /// Copies the content alone: a store has permissions of its own, and is written where the model is read-only too.
    private static void copy(Path file, Path to) throws IOException {
        TextFile.write(to, Files.readAllBytes(file));
    }

    @Override
    public void close() {
        checkpoint.close();
    }
}
