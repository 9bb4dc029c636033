package io.moetier.storage.format;

import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.TensorInfo;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.zip.CRC32C;

/// An open Hugging Face checkpoint: `config.json`, weights in one or many safetensors files, and what lies beside them.
///
/// All headers are checked when it is opened; tensors are read on demand, from any number of threads.
public final class Checkpoint implements AutoCloseable {
    /// Files beside the weights that change what a model says: its tokenizer, chat template and generation defaults.
    private static final List<String> COMPANIONS = List.of(
            "tokenizer.json",
            "tokenizer.model",
            "tiktoken.model",
            "tokenizer_config.json",
            "special_tokens_map.json",
            "added_tokens.json",
            "vocab.json",
            "merges.txt",
            "generation_config.json",
            "preprocessor_config.json",
            "processor_config.json",
            "chat_template.jinja",
            "chat_template.json");

    /// What names of weights end in that GPTQ and AWQ, and compressed-tensors, have quantised to few bits.
    private static final List<String> CODES = List.of(".qweight", ".weight" + PackedInt4.CODES);

    /// Of weights that others have, by the names they had before.
    private static final Set<String> TYPES_OF_CODES = Set.of("U8", "I8", "U32", "I32");

    /// What makers of models quantise them to themselves, where whole numbers may be what is read.
    private static final Set<String> OWN_CODES = Set.of("fp8", "mxfp4", "mxfp8");

    private static final String OF_MLX = "quantization";

    /// Of eight-bit floats, where `config.json` does not say.
    private static final List<Integer> DEFAULT_BLOCK_SIZE = List.of(128, 128);

    /// The same of a format that has a block size of its own (OCP Microscaling Formats, 2023).
    private static final Map<String, List<Integer>> BLOCK_SIZES = Map.of("mxfp8", List.of(1, 32));

    private final Path path;
    private final CheckpointFiles files;
    private final JsonObject config;
    private final Map<Path, SafetensorsFile> open;
    private final Map<String, RawTensor> raw;
    private final Map<String, TensorInfo> usable;
    private final List<Integer> blockSize;
    private final String fingerprint;

    private Checkpoint(Path path, CheckpointFiles files, Map<Path, SafetensorsFile> open) {
        this.path = path;
        this.files = files;
        this.open = open;
        this.config = Json.readObject(files.directory().resolve(CheckpointFiles.CONFIG));
        this.blockSize = blockSize(config);
        this.raw = rawTensors(files, open);
        Map<String, TensorInfo> tensors = new LinkedHashMap<>();
        raw.forEach((name, tensor) -> tensor.usable().ifPresent(info -> tensors.put(name, info)));
        this.usable = Collections.unmodifiableMap(tensors);
        this.fingerprint = computeFingerprint();
    }

    /// Opens a checkpoint named by its directory or by one of its weight files.
    ///
    /// @throws MalformedModelException if a file is missing, unreadable or not as it should be
    public static Checkpoint open(Path directoryOrFile) {
        CheckpointFiles files = CheckpointFiles.locate(directoryOrFile);
        Map<Path, SafetensorsFile> open = new LinkedHashMap<>();
        try {
            files.weights().forEach(file -> open.put(file, SafetensorsFile.open(file)));
            return new Checkpoint(directoryOrFile, files, open);
        } catch (RuntimeException | Error e) {
            open.values().forEach(SafetensorsFile::close);
            throw e;
        }
    }

    /// Returns the path this checkpoint was opened by.
    public Path path() {
        return path;
    }

    /// Returns a name fit to be shown: the directory's, or the repository's in a cache of the hub.
    public String name() {
        return nameOf(files.directory());
    }

    /// Returns the [#name] of the checkpoint in a directory; of another path, its last part.
    public static String nameOf(Path path) {
        Path directory = path.toAbsolutePath().normalize();
        Path parent = directory.getParent();
        if (parent != null && parent.endsWith("snapshots") && parent.getNameCount() > 1) {
            String repository = String.valueOf(directory.getName(directory.getNameCount() - 3));
            if (repository.startsWith("models--")) {
                return repository.substring(repository.lastIndexOf("--") + 2);
            }
        }
        return String.valueOf(directory.getFileName());
    }

    /// Returns the content of `config.json`.
    public JsonObject config() {
        return config;
    }

    /// Returns the file `name` of the checkpoint's directory, if there is one.
    ///
    /// @throws IllegalArgumentException if `name` is not a plain file name
    public Optional<Path> file(String name) {
        Path file = CheckpointFiles.inside(files.directory(), name)
                .orElseThrow(() -> new IllegalArgumentException("not a file name: " + name));
        return Optional.of(file).filter(Files::isRegularFile);
    }

    /// Returns the files of tokenizer, chat template and generation defaults that are there.
    public List<Path> companions() {
        return COMPANIONS.stream().flatMap(name -> file(name).stream()).toList();
    }

    /// Returns the tensors that the engine can compute with, file by file and in each file's order.
    ///
    /// With an index, exactly the tensors it names.
    public Map<String, TensorInfo> tensors() {
        return usable;
    }

    /// Returns the names of all tensors, of whatever element type.
    public Set<String> names() {
        return raw.keySet();
    }

    /// Says whether there is a tensor `name`, of whatever element type, or what was packed of it.
    public boolean has(String name) {
        return raw.containsKey(name) || raw.containsKey(name + PackedInt4.CODES);
    }

    /// Returns the tensor `name`, which must have exactly this shape. A matrix of eight-bit floats that has factors for
    /// blocks of it, as DeepSeek-V3 has, is read as the bfloat16 matrix that it stands for.
    /// One of packed numbers of four bits, as Kimi K2 Thinking has, is read as blocks of `Q4_0`.
    ///
    /// @throws MalformedModelException if it is missing, has another shape or an element type that is no weight's
    public TensorInfo require(String name, long... shape) {
        Optional<PackedInt4> packed = packed(name, Arrays.stream(shape).boxed().toList());
        if (packed.isPresent()) {
            return packed.get().asBlocks(name);
        }
        requireUnquantised(name);
        RawTensor tensor = requireRaw(name, shape);
        return isScaled(tensor) ? scaled(tensor).asBfloat16() : tensor.require();
    }

    /// Returns the tensor of bytes `name`, which must have exactly this shape.
    ///
    /// @throws MalformedModelException if it is missing, has another shape or other elements
    public RawTensor requireBytes(String name, long... shape) {
        RawTensor tensor = requireRaw(name, shape);
        if (!areBytes(tensor)) {
            throw MalformedModelException.of(tensor.file(), "tensor " + name + ": dtype", "U8", tensor.dtype());
        }
        return tensor;
    }

    /// Says whether there is a tensor of bytes `name` of exactly this shape.
    public boolean hasBytes(String name, long... shape) {
        RawTensor tensor = raw.get(name);
        return tensor != null
                && areBytes(tensor)
                && tensor.shape().equals(Arrays.stream(shape).boxed().toList());
    }

    /// Some call codes and exponents whole numbers or floats of their own.
    private static boolean areBytes(RawTensor tensor) {
        return tensor.dtype().equals(ElementType.U8.name())
                || tensor.dtype().equals(ElementType.I8.name())
                || tensor.dtype().equals(ElementType.F8_E8M0.name());
    }

    /// Returns the tensor of whole numbers `name`, which must have exactly this shape.
    ///
    /// @throws MalformedModelException if it is missing, has another shape or other elements
    public RawTensor requireIntegers(String name, long... shape) {
        return Integers.require(requireRaw(name, shape));
    }

    /// Returns all elements of a tensor of whole numbers as floats.
    ///
    /// @throws IllegalArgumentException if the tensor is of another checkpoint or too large for an array
    /// @throws MalformedModelException if the file ends early or cannot be read, or has a number that no float is
    public float[] readIntegers(RawTensor tensor) {
        return Integers.read(tensor, bytes -> read(tensor, 0, bytes));
    }

    private Optional<PackedInt4> packed(String name, List<Long> shape) {
        if (raw.containsKey(name) || !has(name)) {
            return Optional.empty();
        }
        OptionalInt group = quantisation(config).map(PackedInt4::group).orElse(OptionalInt.empty());
        return group.isPresent() ? Optional.of(PackedInt4.of(name, shape, raw, group.getAsInt())) : Optional.empty();
    }

    /// Whole numbers in the place of a weight, or under names of their own, are what other programs make of it.
    private void requireUnquantised(String name) {
        RawTensor tensor = raw.get(name);
        Optional<String> codes = tensor == null
                ? raw.keySet().stream()
                        .filter(other -> CODES.stream().anyMatch(other::endsWith))
                        .findFirst()
                : Optional.of(tensor.dtype() + " " + tensor.shape())
                        .filter(_ -> TYPES_OF_CODES.contains(tensor.dtype()));
        if (codes.isPresent()) {
            throw MalformedModelException.of(
                    tensor == null ? weights() : tensor.file(),
                    "tensor " + name,
                    "a weight that is read",
                    codes.get() + ", quantised by " + quantiser());
        }
    }

    /// Refuses a checkpoint whose `config.json` says that another program quantised it, if a header has codes of it or
    /// they are packed in a way that is not read. Whatever else is wrong with the header is left to its reader.
    ///
    /// @param header of a file of weights
    /// @throws MalformedModelException as [#require] of a weight
    public static void requireUnquantised(JsonObject config, JsonObject header) {
        Optional<String> quantiser = namedQuantiser(config)
                .or(() -> Optional.of("mlx").filter(_ -> config.value(OF_MLX) instanceof Map<?, ?>))
                .filter(name -> !OWN_CODES.contains(name));
        if (quantiser.isEmpty()) {
            return;
        }
        boolean isPackedAsRead = quantisation(config)
                .map(PackedInt4::group)
                .filter(OptionalInt::isPresent)
                .isPresent();
        header.asMap().forEach((name, value) -> {
            boolean hasCodes =
                    (CODES.stream().anyMatch(name::endsWith) && !(isPackedAsRead && name.endsWith(PackedInt4.CODES)))
                            || (name.endsWith(".weight")
                                    && value instanceof Map<?, ?> tensor
                                    && tensor.get("dtype") instanceof String dtype
                                    && TYPES_OF_CODES.contains(dtype));
            if (hasCodes) {
                throw MalformedModelException.of(
                        header.source(),
                        "tensor " + name,
                        "a weight that is read",
                        "one quantised by " + quantiser.get());
            }
        });
    }

    private String quantiser() {
        return namedQuantiser(config).orElse("another program");
    }

    private static Optional<String> namedQuantiser(JsonObject config) {
        return quantisation(config).flatMap(quantisation -> quantisation.optionalString("quant_method"));
    }

    private static Optional<JsonObject> quantisation(JsonObject config) {
        String key = "quantization_config";
        return config.optionalObject(key)
                .or(() -> config.optionalObject("text_config").flatMap(text -> text.optionalObject(key)));
    }

    private RawTensor requireRaw(String name, long... shape) {
        List<Long> expected = Arrays.stream(shape).boxed().toList();
        RawTensor tensor = raw.get(name);
        if (tensor == null) {
            throw MalformedModelException.of(weights(), "tensor " + name, "shape " + expected, "no such tensor");
        }
        if (!tensor.shape().equals(expected)) {
            throw MalformedModelException.of(tensor.file(), "tensor " + name, "shape " + expected, tensor.shape());
        }
        return tensor;
    }

    /// A matrix of eight-bit floats with the factors of its blocks, whose size `config.json` says.
    private ScaledFloat8 scaled(RawTensor values) {
        RawTensor scales =
                raw.getOrDefault(values.name() + ScaledFloat8.SCALES, raw.get(ScaledFloat8.shortScales(values.name())));
        if (scales == null) {
            return ScaledFloat8.plain(values, raw, blockSize.getFirst(), blockSize.getLast())
                    .orElseThrow(() -> MalformedModelException.of(
                            values.file(),
                            "tensor " + values.name(),
                            "the factors of its blocks in " + values.name() + ScaledFloat8.SCALES + ", as it is "
                                    + ScaledFloat8.DTYPE,
                            "no such tensor"));
        }
        return ScaledFloat8.ofAll(values, scales)
                .orElseGet(() -> new ScaledFloat8(values, scales, blockSize.getFirst(), blockSize.getLast()));
    }

    private static List<Integer> blockSize(JsonObject config) {
        Optional<JsonObject> quantisation = quantisation(config);
        List<Integer> size = quantisation
                .flatMap(object -> object.optionalInts("weight_block_size"))
                .orElseGet(() -> quantisation
                        .flatMap(object -> object.optionalString("quant_method"))
                        .map(BLOCK_SIZES::get)
                        .orElse(DEFAULT_BLOCK_SIZE));
        if (size.size() != 2 || size.getFirst() < 1 || size.getLast() < 1) {
            throw quantisation.orElse(config).unexpected("weight_block_size", "two positive integers", size);
        }
        return size;
    }

    /// Fills `dst` with the tensor's bytes from `fromByte` on.
    ///
    /// @throws IllegalArgumentException if the tensor is of another checkpoint or has no such bytes
    /// @throws MalformedModelException if the file ends early or cannot be read
    public void read(TensorInfo tensor, long fromByte, MemorySegment dst) {
        SafetensorsFile file = fileOf(tensor);
        RawTensor stored = raw.get(tensor.name());
        Optional<PackedInt4> packed = packed(tensor.name(), tensor.shape());
        if (packed.isPresent()) {
            packed.get().read(fromByte, dst, this::read);
        } else if (stored != null && isScaled(stored)) {
            scaled(stored).read(fromByte, dst, this::read);
        } else {
            file.read(tensor, fromByte, dst);
        }
    }

    /// Returns how many tensors of eight-bit floats there are.
    public int numFloat8Tensors() {
        return (int) raw.values().stream().filter(Checkpoint::isScaled).count();
    }

    /// Returns how many matrices of packed numbers of four bits there are.
    public int numPackedTensors() {
        return (int) raw.keySet().stream()
                .filter(name -> name.endsWith(PackedInt4.CODES))
                .count();
    }

    private boolean isScaleOfFloat8(String name) {
        String end = ".scale";
        RawTensor values =
                name.endsWith(end) ? raw.get(name.substring(0, name.length() - end.length()) + ".weight") : null;
        return values != null && isScaled(values);
    }

    private static boolean isScaled(RawTensor tensor) {
        return tensor.dtype().equals(ScaledFloat8.DTYPE);
    }

    /// Fills `dst` with the bytes of a tensor of any element type; otherwise as [#read(TensorInfo, long,
    /// MemorySegment)].
    public void read(RawTensor tensor, long fromByte, MemorySegment dst) {
        fileOf(tensor.file(), tensor.name()).read(tensor, fromByte, dst);
    }

    /// Returns all elements of a tensor as floats.
    ///
    /// @throws IllegalArgumentException if the tensor is of another checkpoint or too large for an array
    /// @throws MalformedModelException if the file ends early or cannot be read
    public float[] readFloats(TensorInfo tensor) {
        SafetensorsFile file = fileOf(tensor);
        RawTensor stored = raw.get(tensor.name());
        boolean isPacked = stored == null && has(tensor.name());
        if (!isPacked && (stored == null || !isScaled(stored))) {
            return file.readFloats(tensor);
        }
        float[] floats = new float[Math.toIntExact(tensor.numElements())];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(tensor.byteLength());
            read(tensor, 0, bytes);
            Floats.decode(tensor.dtype(), bytes, floats.length, floats, 0);
        }
        return floats;
    }

    /// Returns the bytes of all tensors, as they are read: eight-bit floats as bfloat16 and packed numbers as blocks,
    /// their factors with them.
    public long totalBytes() {
        return raw.values().stream().mapToLong(this::bytesRead).sum();
    }

    private long bytesRead(RawTensor tensor) {
        if (isScaled(tensor)) {
            return 2 * tensor.byteLength();
        }
        if (tensor.name().endsWith(PackedInt4.CODES)) {
            return PackedInt4.blockBytes(tensor);
        }
        boolean factors = tensor.name().endsWith(ScaledFloat8.SCALES)
                || isScaleOfFloat8(tensor.name())
                || PackedInt4.isBesideCodes(tensor.name(), raw.keySet());
        return factors ? 0 : tensor.byteLength();
    }

    /// Returns a digest that changes when the files do, as they were when this checkpoint was opened.
    ///
    /// It covers names, sizes and times of all files used and the contents of `config.json` and of the headers.
    /// The weights themselves are left out, since reading them would cost as much as importing them.
    public String fingerprint() {
        return fingerprint;
    }

    @Override
    public void close() {
        open.values().forEach(SafetensorsFile::close);
    }

    private SafetensorsFile fileOf(TensorInfo tensor) {
        return fileOf(tensor.file(), tensor.name());
    }

    private SafetensorsFile fileOf(Path file, String tensor) {
        SafetensorsFile found = open.get(file);
        if (found == null) {
            throw new IllegalArgumentException("tensor " + tensor + " is in " + file + ", not in " + path);
        }
        return found;
    }

    private Path weights() {
        return files.index().orElse(files.weights().getFirst());
    }

    private static Map<String, RawTensor> rawTensors(CheckpointFiles files, Map<Path, SafetensorsFile> open) {
        Map<String, RawTensor> tensors = new LinkedHashMap<>();
        Map<String, String> weightMap = files.weightMap();
        for (SafetensorsFile file : open.values()) {
            String fileName = String.valueOf(file.file().getFileName());
            file.rawTensors().forEach((name, tensor) -> {
                if (files.index().isEmpty() || fileName.equals(weightMap.get(name))) {
                    tensors.put(name, tensor);
                }
            });
        }
        weightMap.forEach((name, shard) -> {
            if (!tensors.containsKey(name)) {
                throw MalformedModelException.of(
                        files.directory().resolve(shard),
                        "tensor " + name,
                        "to be here according to " + CheckpointFiles.INDEX,
                        "no such tensor");
            }
        });
        return Collections.unmodifiableMap(tensors);
    }

    private String computeFingerprint() {
        List<Path> used = new ArrayList<>(files.weights());
        used.add(config.source());
        files.index().ifPresent(used::add);
        used.addAll(companions());
        Fingerprint digest = new Fingerprint();
        try {
            for (Path file : used) {
                digest.addFile(file);
            }
            CRC32C checksum = new CRC32C();
            checksum.update(Files.readAllBytes(config.source()));
            digest.addChecksum(checksum.getValue());
        } catch (IOException e) {
            throw new MalformedModelException(path + ": cannot be read: " + IoFailure.reason(e), e);
        }
        open.values().forEach(file -> digest.addChecksum(file.headerChecksum()));
        return digest.finish();
    }
}
