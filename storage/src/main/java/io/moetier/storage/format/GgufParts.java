package io.moetier.storage.format;

import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.TensorInfo;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// An open model in GGUF: one file, or all parts of one that was split, in their order.
///
/// The metadata is the first part's; the others hold only tensors.
public final class GgufParts implements AutoCloseable {
    private static final Pattern PART = Pattern.compile("(.+)-(\\d{5})-of-(\\d{5})\\.gguf");
    private static final String EXTENSION = ".gguf";
    private static final String NUMBER = "split.no";
    private static final String COUNT = "split.count";
    private static final String TENSORS = "split.tensors.count";

    /// What llama.cpp writes as the number of parts into the one file that it merged them into.
    private static final int MERGED = 0;

    private final List<GgufFile> files;
    private final Map<String, RawTensor> tensors;

    private GgufParts(List<GgufFile> files) {
        this.files = List.copyOf(files);
        this.tensors = Collections.unmodifiableMap(union(files));
    }

    /// Opens the model that `file` is, or is a part of.
    ///
    /// @throws MalformedModelException if a part is missing, or one is not a sound GGUF file or not of this model
    public static GgufParts open(Path file) {
        List<GgufFile> files = new ArrayList<>();
        try {
            List<Path> paths = paths(file);
            for (Path path : paths) {
                files.add(GgufFile.open(path));
                checkPart(files.getLast(), files.size() - 1, paths.size());
            }
            return new GgufParts(files);
        } catch (RuntimeException | Error e) {
            files.forEach(GgufFile::close);
            throw e;
        }
    }

    /// Says whether a file's name is that of one in this format.
    public static boolean isNamed(Path file) {
        return file.toString().endsWith(EXTENSION);
    }

    /// Says whether a file is in this format: by its name, or else by how it begins, as blobs of Ollama's are named by
    /// what is in them.
    ///
    /// @throws MalformedModelException if it is not named so and cannot be read
    public static boolean isOne(Path file) {
        if (isNamed(file) || !Files.isRegularFile(file)) {
            return isNamed(file);
        }
        try (InputStream bytes = Files.newInputStream(file)) {
            return Arrays.equals(bytes.readNBytes(GgufHeader.MAGIC.length), GgufHeader.MAGIC);
        } catch (IOException e) {
            throw WeightFile.unreadable(file, e);
        }
    }

    /// Returns the name of the model in `file`: the file's own without its extension and the number of a part.
    public static String nameOf(Path file) {
        String name = String.valueOf(file.getFileName());
        Matcher part = PART.matcher(name);
        if (part.matches()) {
            return part.group(1);
        }
        return name.endsWith(EXTENSION) ? name.substring(0, name.length() - EXTENSION.length()) : name;
    }

    /// Returns the files in the order of their numbers.
    public List<GgufFile> files() {
        return files;
    }

    /// Returns the metadata of the model.
    public JsonObject metadata() {
        return files.getFirst().metadata();
    }

    /// Returns the tensors of all parts.
    public Map<String, RawTensor> tensors() {
        return tensors;
    }

    /// Returns the tensor `name`, which must have this shape, but for leading dimensions of 1, which ggml does not
    /// write, and an element type of weights.
    ///
    /// @throws MalformedModelException if it is missing or otherwise
    public RawTensor require(String name, long... shape) {
        RawTensor tensor = requireRaw(name, shape);
        tensor.require();
        return tensor;
    }

    /// Returns the tensor of whole numbers `name`, which must have exactly this shape.
    ///
    /// @throws MalformedModelException if it is missing, has another shape or other elements
    public RawTensor requireIntegers(String name, long... shape) {
        return Integers.require(requireRaw(name, shape));
    }

    private RawTensor requireRaw(String name, long... shape) {
        List<Long> expected = Arrays.stream(shape).boxed().toList();
        RawTensor tensor = tensors.get(name);
        if (tensor == null) {
            throw MalformedModelException.of(
                    files.getFirst().file(), "tensor " + name, "shape " + expected, "no such tensor");
        }
        if (!withoutLeadingOnes(tensor.shape()).equals(withoutLeadingOnes(expected))) {
            throw MalformedModelException.of(tensor.file(), "tensor " + name, "shape " + expected, tensor.shape());
        }
        return tensor.inShape(expected);
    }

    private static List<Long> withoutLeadingOnes(List<Long> shape) {
        return shape.stream().dropWhile(length -> length == 1).toList();
    }

    /// Fills `dst` with the tensor's bytes from `fromByte` on.
    ///
    /// @throws IllegalArgumentException if the tensor is of another model or has no such bytes
    /// @throws MalformedModelException if the file ends early or cannot be read
    public void read(TensorInfo tensor, long fromByte, MemorySegment dst) {
        fileOf(tensor).read(tensor, fromByte, dst);
    }

    /// Returns all elements of a tensor as floats.
    ///
    /// @throws IllegalArgumentException if the tensor is of another model or too large for an array
    /// @throws MalformedModelException if the file ends early or cannot be read
    public float[] readFloats(TensorInfo tensor) {
        return fileOf(tensor).readFloats(tensor);
    }

    /// Returns all elements of a tensor of whole numbers as floats.
    ///
    /// @throws IllegalArgumentException if the tensor is of another model or too large for an array
    /// @throws MalformedModelException if the file ends early or cannot be read, or has a number that no float is
    public float[] readIntegers(RawTensor tensor) {
        GgufFile file = fileOf(tensor.file(), tensor.name());
        return Integers.read(tensor, bytes -> file.read(tensor, 0, bytes));
    }

    /// Returns a digest that changes when the files do, as [Checkpoint#fingerprint] is one.
    public String fingerprint() {
        Fingerprint digest = new Fingerprint();
        for (GgufFile file : files) {
            try {
                digest.addFile(file.file());
            } catch (IOException e) {
                throw WeightFile.unreadable(file.file(), e);
            }
            digest.addChecksum(file.headerChecksum());
        }
        return digest.finish();
    }

    /// @throws java.io.UncheckedIOException if the operating system refuses
    @Override
    public void close() {
        files.forEach(GgufFile::close);
    }

    private GgufFile fileOf(TensorInfo tensor) {
        return fileOf(tensor.file(), tensor.name());
    }

    private GgufFile fileOf(Path path, String tensor) {
        return files.stream()
                .filter(file -> file.file().equals(path))
                .findFirst()
                .orElseThrow(() ->
                        new IllegalArgumentException("tensor " + tensor + " is in " + path + ", not in this model"));
    }

    private static List<Path> paths(Path file) {
        Matcher part = PART.matcher(String.valueOf(file.getFileName()));
        if (!part.matches() || !Files.exists(file)) {
            return List.of(file);
        }
        int number = Integer.parseInt(part.group(2));
        int count = Integer.parseInt(part.group(3));
        if (number < 1 || number > count) {
            throw MalformedModelException.of(file, "name", "the number of a part from 1 to " + count, part.group(2));
        }
        List<Path> paths = new ArrayList<>();
        for (int i = 1; i <= count; i++) {
            Path path =
                    file.resolveSibling(String.format(Locale.ROOT, "%s-%05d-of-%05d.gguf", part.group(1), i, count));
            if (!Files.isRegularFile(path)) {
                throw MalformedModelException.of(
                        file, "parts", "the file " + path.getFileName() + " in the same directory", "no such file");
            }
            paths.add(path);
        }
        return paths;
    }

    private static void checkPart(GgufFile file, int index, int count) {
        JsonObject metadata = file.metadata();
        int written = metadata.optionalInt(COUNT).orElse(count == 1 ? 1 : 0);
        if (written != count && !(count == 1 && written == MERGED)) {
            throw metadata.unexpected(
                    COUNT,
                    count == 1
                            ? "1, since the file is not named like NAME-00001-of-00003.gguf, by which other parts"
                                    + " would be found"
                            : count + ", as the file's name says",
                    metadata.has(COUNT) ? written : null);
        }
        if (count > 1 && metadata.requireInt(NUMBER) != index) {
            throw metadata.unexpected(NUMBER, index + ", as the file's name says", metadata.requireInt(NUMBER));
        }
    }

    private static Map<String, RawTensor> union(List<GgufFile> files) {
        Map<String, RawTensor> tensors = new LinkedHashMap<>();
        for (GgufFile file : files) {
            for (RawTensor tensor : file.tensors().values()) {
                RawTensor other = tensors.put(tensor.name(), tensor);
                if (other != null) {
                    throw MalformedModelException.of(
                            file.file(),
                            "tensor " + tensor.name(),
                            "each name once",
                            "one of this name in " + other.file().getFileName() + " too");
                }
            }
        }
        JsonObject metadata = files.getFirst().metadata();
        int total = tensors.size();
        metadata.optionalInt(TENSORS).filter(expected -> expected != total).ifPresent(expected -> {
            throw metadata.unexpected(TENSORS, total + ", as many as the parts hold", expected);
        });
        return tensors;
    }
}
