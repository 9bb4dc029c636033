package io.moetier.storage.format;

import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.TensorInfo;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32C;

/// An open safetensors file.
///
/// The header is checked in full when the file is opened. Tensors are read by position into the caller's memory, from
/// any number of threads at once; interrupting a thread while it reads closes the file for all of them.
public final class SafetensorsFile implements AutoCloseable {
    private final WeightFile weights;
    private final SafetensorsHeader header;
    private final Map<String, TensorInfo> usable;
    private final long headerChecksum;

    private SafetensorsFile(WeightFile weights, SafetensorsHeader header, long headerChecksum) {
        this.weights = weights;
        this.header = header;
        this.headerChecksum = headerChecksum;
        Map<String, TensorInfo> tensors = new LinkedHashMap<>();
        header.tensors().forEach((name, raw) -> raw.usable().ifPresent(tensor -> tensors.put(name, tensor)));
        this.usable = Collections.unmodifiableMap(tensors);
    }

    /// Opens a file and checks its header.
    ///
    /// @throws MalformedModelException if the file is missing, unreadable or not a sound safetensors file
    public static SafetensorsFile open(Path file) {
        WeightFile weights = WeightFile.open(file, "safetensors");
        try {
            return open(weights);
        } catch (RuntimeException | Error e) {
            weights.close();
            throw e;
        }
    }

    private static SafetensorsFile open(WeightFile weights) {
        Path file = weights.file();
        long fileBytes = weights.size();
        if (fileBytes < SafetensorsHeader.LENGTH_BYTES) {
            throw MalformedModelException.of(
                    file, "size", "at least " + SafetensorsHeader.LENGTH_BYTES + " bytes", fileBytes);
        }
        byte[] prefix = weights.readHeader(0, SafetensorsHeader.LENGTH_BYTES);
        long length = ByteBuffer.wrap(prefix).order(ByteOrder.LITTLE_ENDIAN).getLong();
        int jsonBytes = SafetensorsHeader.checkLength(length, file, fileBytes);
        byte[] json = weights.readHeader(SafetensorsHeader.LENGTH_BYTES, jsonBytes);
        CRC32C checksum = new CRC32C();
        checksum.update(json);
        return new SafetensorsFile(weights, SafetensorsHeader.parse(json, file, fileBytes), checksum.getValue());
    }

    /// Returns the file as it was named to [#open].
    public Path file() {
        return weights.file();
    }

    /// Returns the tensors that the engine can compute with, in the header's order.
    public Map<String, TensorInfo> tensors() {
        return usable;
    }

    /// Returns all tensors in the header's order.
    public Map<String, RawTensor> rawTensors() {
        return header.tensors();
    }

    /// Returns the header's free-form strings, for example `format` → `pt`.
    public Map<String, String> metadata() {
        return header.metadata();
    }

    /// Returns a tensor that the engine can compute with.
    ///
    /// @throws MalformedModelException if there is no such tensor or its element type is another one
    public TensorInfo require(String name) {
        return requireRaw(name).require();
    }

    /// Returns a tensor of any element type.
    ///
    /// @throws MalformedModelException if there is no such tensor
    public RawTensor requireRaw(String name) {
        RawTensor tensor = header.tensors().get(name);
        if (tensor == null) {
            throw new MalformedModelException(file() + ": tensor " + name + ": expected, found no such tensor");
        }
        return tensor;
    }

    /// Fills `dst` with the tensor's bytes from `fromByte` on.
    ///
    /// @throws IllegalArgumentException if the tensor is of another file or has no such bytes
    /// @throws MalformedModelException if the file ends early or cannot be read
    public void read(TensorInfo tensor, long fromByte, MemorySegment dst) {
        weights.read(tensor, fromByte, dst);
    }

    /// Fills `dst` with the bytes of a tensor of any element type; otherwise as [#read(TensorInfo, long,
    /// MemorySegment)].
    public void read(RawTensor tensor, long fromByte, MemorySegment dst) {
        weights.read(tensor, fromByte, dst);
    }

    /// Returns all elements of a tensor as floats.
    ///
    /// @throws MalformedModelException if there is no such tensor, its elements are no floats, or reading it fails
    /// @throws IllegalArgumentException if it has more elements than an array can hold
    public float[] readFloats(String name) {
        return readFloats(require(name));
    }

    float[] readFloats(TensorInfo tensor) {
        return weights.readFloats(tensor);
    }

    /// Returns the CRC32C of the header's JSON.
    long headerChecksum() {
        return headerChecksum;
    }

    /// @throws java.io.UncheckedIOException if the operating system refuses
    @Override
    public void close() {
        weights.close();
    }
}
