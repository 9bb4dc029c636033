package io.moetier.storage.format;

import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.TensorInfo;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// One open GGUF file, of version 2 or 3.
///
/// The header is checked in full when the file is opened. Tensors are read by position into the caller's memory, from
/// any number of threads at once; interrupting a thread while it reads closes the file for all of them.
public final class GgufFile implements AutoCloseable {
    private final WeightFile weights;
    private final GgufHeader header;
    /// Those whose codes are put in their order when they are read.
    private final List<RawTensor> inPairs;

    private GgufFile(WeightFile weights, GgufHeader header) {
        this.weights = weights;
        this.header = header;
        this.inPairs = header.tensors().values().stream()
                .filter(tensor -> tensor.dtype().equals(GgmlType.MXFP4_IN_PAIRS.name()))
                .toList();
    }

    /// Opens a file and checks its header.
    ///
    /// @throws MalformedModelException if the file is missing, unreadable or not a sound GGUF file
    public static GgufFile open(Path file) {
        WeightFile weights = WeightFile.open(file, "GGUF");
        try {
            return new GgufFile(weights, GgufHeader.parse(file, weights.channel(), weights.size()));
        } catch (RuntimeException | Error e) {
            weights.close();
            throw e;
        }
    }

    /// Checks the header of a file of which no more is at hand, and reads no further.
    ///
    /// @param file as messages name it
    /// @param content from the file's beginning on
    /// @param fileBytes how long the file is
    /// @throws MalformedModelException if the header is not sound, as [#open]
    public static void check(Path file, ReadableByteChannel content, long fileBytes) {
        GgufHeader.parse(file, content, fileBytes);
    }

    /// Returns the file as it was named to [#open].
    public Path file() {
        return weights.file();
    }

    /// Returns the metadata, whose keys are the format's own, for example `general.architecture`.
    public JsonObject metadata() {
        return header.metadata();
    }

    /// Returns all tensors in the header's order, whatever their type.
    ///
    /// Shapes are row-major, as everywhere in Moetier: the format's own order of dimensions reversed.
    public Map<String, RawTensor> tensors() {
        return header.tensors();
    }

    /// Fills `dst` with the tensor's bytes from `fromByte` on, whole blocks of its type.
    ///
    /// @throws IllegalArgumentException if the tensor is of another file or has no such bytes
    /// @throws MalformedModelException if the file ends early or cannot be read
    public void read(TensorInfo tensor, long fromByte, MemorySegment dst) {
        weights.read(tensor, fromByte, dst);
        if (isInPairs(tensor)) {
            PairedCodes.reorder(dst);
        }
    }

    private boolean isInPairs(TensorInfo tensor) {
        return inPairs.stream().anyMatch(whole -> whole.offset() <= tensor.offset() && tensor.offset() < whole.end());
    }

    /// Fills `dst` with the bytes of a tensor of any type; otherwise as [#read(TensorInfo, long, MemorySegment)].
    public void read(RawTensor tensor, long fromByte, MemorySegment dst) {
        weights.read(tensor, fromByte, dst);
    }

    /// Returns all elements of a tensor as floats.
    ///
    /// @throws IllegalArgumentException if the tensor is of another file or too large for an array
    /// @throws MalformedModelException if the file ends early or cannot be read
    public float[] readFloats(TensorInfo tensor) {
        if (!isInPairs(tensor)) {
            return weights.readFloats(tensor);
        }
        float[] floats = new float[Math.toIntExact(tensor.numElements())];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment blocks = arena.allocate(tensor.byteLength());
            read(tensor, 0, blocks);
            Floats.decode(tensor.dtype(), blocks, floats.length, floats, 0);
        }
        return floats;
    }

    /// Returns the CRC32C of the header.
    public long headerChecksum() {
        return header.checksum();
    }

    /// @throws java.io.UncheckedIOException if the operating system refuses
    @Override
    public void close() {
        weights.close();
    }
}
