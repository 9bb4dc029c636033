package io.moetier.storage.format;

import io.moetier.storage.model.MalformedModelException;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The head of a GGUF file: metadata, then a table of tensors, whose bytes follow.
///
/// As strict as the format's own reader: in the order of their offsets, each tensor begins at the first aligned byte
/// after the one before. A gap could be read safely, but refusing it finds a damaged offset that would otherwise give
/// wrong weights.
///
/// @param checksum CRC32C of the head's bytes
record GgufHeader(JsonObject metadata, Map<String, RawTensor> tensors, long checksum) {
    static final byte[] MAGIC = {'G', 'G', 'U', 'F'};
    static final int VERSION = 3;
    static final String ALIGNMENT_KEY = "general.alignment";
    static final int DEFAULT_ALIGNMENT = 32;

    private static final int OLDEST_VERSION = 2;
    private static final int MAX_NAME_BYTES = 0xFFFF;
    private static final int MAX_DIMENSIONS = 4;
    private static final int LEAST_ALIGNMENT = 8;
    private static final int MOST_ALIGNMENT = 1 << 30;
    /// A length of eight bytes, the number of dimensions, the type and the offset.
    private static final int LEAST_TENSOR_BYTES = 24;
    /// A length of eight bytes, the type and one byte of value.
    private static final int LEAST_ENTRY_BYTES = 13;

    /// Reads the head of a file.
    ///
    /// @param channel at the file's beginning
    /// @throws MalformedModelException if it is not sound
    static GgufHeader parse(Path file, ReadableByteChannel channel, long fileBytes) {
        GgufCursor cursor = new GgufCursor(file, channel, fileBytes);
        checkMagic(cursor, file);
        checkVersion(cursor.readInt("version"), file);
        int numTensors = cursor.readCount("number of tensors", LEAST_TENSOR_BYTES);
        int numEntries = cursor.readCount("number of metadata entries", LEAST_ENTRY_BYTES);
        JsonObject metadata = metadata(cursor, file, numEntries);
        int alignment = alignment(metadata);
        List<RawTensor> relative = new ArrayList<>();
        for (int i = 0; i < numTensors; i++) {
            relative.add(tensor(cursor, file, alignment));
        }
        long dataStart = aligned(cursor.position(), alignment);
        Map<String, RawTensor> tensors = place(relative, file, dataStart, fileBytes);
        checkCoverage(tensors.values(), file, dataStart, alignment);
        return new GgufHeader(metadata, Collections.unmodifiableMap(tensors), cursor.finish());
    }

    /// Returns the first multiple of `alignment`, a power of two, that is not below `position`.
    static long aligned(long position, int alignment) {
        return Math.addExact(position, alignment - 1) & -alignment;
    }

    private static void checkMagic(GgufCursor cursor, Path file) {
        byte[] found = new byte[MAGIC.length];
        for (int i = 0; i < MAGIC.length; i++) {
            found[i] = (byte) cursor.readByte("magic");
        }
        if (found[0] == 'v') {
            throw new MalformedModelException(
                    file + ": expected a GGUF file, found what may be a Git LFS pointer; fetch the weights with"
                            + " \"git lfs pull\"");
        }
        if (!Arrays.equals(found, MAGIC)) {
            throw MalformedModelException.of(
                    file, "magic", "a GGUF file, which begins with GGUF", "one that begins with " + printable(found));
        }
    }

    private static String printable(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (byte value : bytes) {
            text.append(value > ' ' && value <= '~' ? String.valueOf((char) value) : String.format("\\x%02x", value));
        }
        return text.toString();
    }

    private static void checkVersion(int version, Path file) {
        if (version >= OLDEST_VERSION && version <= VERSION) {
            return;
        }
        int swapped = Integer.reverseBytes(version);
        if (swapped >= 1 && swapped <= VERSION) {
            throw new MalformedModelException(file + ": version: expected a little-endian file, found a big-endian one"
                    + " of version " + swapped + "; convert the model again for a little-endian machine");
        }
        String remedy = version == 1 ? "; convert the model again, for this version was given up in 2023" : "";
        throw MalformedModelException.of(
                file, "version", OLDEST_VERSION + " or " + VERSION, Integer.toUnsignedString(version) + remedy);
    }

    private static JsonObject metadata(GgufCursor cursor, Path file, int numEntries) {
        GgufMetadata values = new GgufMetadata(cursor, file);
        for (int i = 0; i < numEntries; i++) {
            values.readEntry(cursor.readString("metadata key " + i, MAX_NAME_BYTES));
        }
        return values.finish();
    }

    private static int alignment(JsonObject metadata) {
        long alignment = metadata.optionalLong(ALIGNMENT_KEY).orElse((long) DEFAULT_ALIGNMENT);
        if (alignment < LEAST_ALIGNMENT || alignment > MOST_ALIGNMENT || Long.bitCount(alignment) != 1) {
            throw metadata.unexpected(
                    ALIGNMENT_KEY, "a power of two from " + LEAST_ALIGNMENT + " to " + MOST_ALIGNMENT, alignment);
        }
        return (int) alignment;
    }

    /// Reads an entry of the table, whose offset counts from the beginning of the data.
    private static RawTensor tensor(GgufCursor cursor, Path file, int alignment) {
        String name = cursor.readString("name of a tensor", MAX_NAME_BYTES);
        String field = "tensor " + name;
        int numDimensions = cursor.readInt(field + ": dimensions");
        if (numDimensions < 1 || numDimensions > MAX_DIMENSIONS) {
            throw MalformedModelException.of(
                    file, field + ": dimensions", "1 to " + MAX_DIMENSIONS, Integer.toUnsignedString(numDimensions));
        }
        List<Long> dimensions = new ArrayList<>();
        for (int i = 0; i < numDimensions; i++) {
            dimensions.add(cursor.readLong(field + ": shape"));
        }
        int id = cursor.readInt(field + ": type");
        GgmlType type = GgmlType.of(id)
                .orElseThrow(() -> MalformedModelException.of(
                        file,
                        field + ": type",
                        "a type that this version knows the size of",
                        "number " + Integer.toUnsignedString(id)));
        long byteLength = bytes(type, dimensions, file, field);
        long offset = cursor.readLong(field + ": offset");
        if (offset < 0 || offset % alignment != 0) {
            throw MalformedModelException.of(
                    file, field + ": offset", "a multiple of " + alignment, Long.toUnsignedString(offset));
        }
        return new RawTensor(name, type.name(), dimensions.reversed(), file, offset, byteLength);
    }

    private static long bytes(GgmlType type, List<Long> dimensions, Path file, String field) {
        if (dimensions.stream().anyMatch(dimension -> dimension < 1)) {
            throw MalformedModelException.of(file, field + ": shape", "no dimension below 1", dimensions);
        }
        if (dimensions.getFirst() % type.blockElements() != 0) {
            throw MalformedModelException.of(
                    file,
                    field + ": shape",
                    "rows of whole " + type + " blocks of " + type.blockElements() + " elements",
                    dimensions);
        }
        try {
            return type.bytes(dimensions.stream().reduce(1L, Math::multiplyExact));
        } catch (ArithmeticException e) {
            throw MalformedModelException.of(file, field + ": shape", "bytes that fit 64 bits", dimensions);
        }
    }

    private static Map<String, RawTensor> place(List<RawTensor> relative, Path file, long dataStart, long fileBytes) {
        Map<String, RawTensor> tensors = new LinkedHashMap<>();
        for (RawTensor tensor : relative) {
            String field = "tensor " + tensor.name();
            if (tensor.offset() > fileBytes - dataStart
                    || tensor.byteLength() > fileBytes - dataStart - tensor.offset()) {
                throw new MalformedModelException(file + ": " + field + ": expected " + tensor.byteLength()
                        + " bytes from byte " + tensor.offset() + " of the data, file ends after "
                        + Math.max(0, fileBytes - dataStart) + "; it is truncated or damaged");
            }
            if (tensors.put(tensor.name(), tensor.movedBy(dataStart)) != null) {
                throw MalformedModelException.of(file, field, "each name once", "two tensors of this name");
            }
        }
        return tensors;
    }

    private static void checkCoverage(Collection<RawTensor> tensors, Path file, long dataStart, int alignment) {
        List<RawTensor> sorted = tensors.stream()
                .sorted(Comparator.comparingLong(RawTensor::offset).thenComparingLong(RawTensor::byteLength))
                .toList();
        long expected = dataStart;
        long end = dataStart;
        String previous = "the header";
        for (RawTensor tensor : sorted) {
            String field = "tensor " + tensor.name() + ": offset";
            if (tensor.offset() < end) {
                throw MalformedModelException.of(
                        file, field, "no overlap with " + previous, end - tensor.offset() + " bytes in common");
            }
            if (tensor.offset() != expected) {
                throw MalformedModelException.of(
                        file,
                        field,
                        "no gap after " + previous,
                        tensor.offset() - expected + " bytes that belong to no tensor");
            }
            end = tensor.end();
            expected = aligned(end, alignment);
            previous = "tensor " + tensor.name();
        }
    }
}
