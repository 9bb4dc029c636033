package io.moetier.storage.format;

import io.moetier.storage.model.MalformedModelException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The table of contents of a safetensors file: eight bytes of little-endian length, that many bytes of JSON, then the
/// tensors' bytes.
///
/// As strict as the format's own reader: the tensors must cover the data exactly, without overlap, gap or rest. A gap
/// could be read safely, but no writer makes one, and refusing it finds a damaged offset that would otherwise give
/// wrong weights.
record SafetensorsHeader(Map<String, RawTensor> tensors, Map<String, String> metadata) {
    /// Bytes of the length in front of the JSON.
    static final int LENGTH_BYTES = 8;

    /// Longest JSON accepted, as in the format's own reader.
    static final int MAX_JSON_BYTES = 100_000_000;

    /// Key of the JSON that is no tensor.
    static final String METADATA = "__metadata__";

    /// The first eight bytes of the text file that stands for a large file in a Git clone.
    private static final long GIT_LFS_POINTER = 0x206E6F6973726576L;

    /// Returns the length of the JSON, checked against the file before anything of that size is allocated.
    static int checkLength(long length, Path file, long fileBytes) {
        if (length == GIT_LFS_POINTER) {
            throw new MalformedModelException(
                    file + ": expected weights, found a Git LFS pointer; fetch the weights with \"git lfs pull\"");
        }
        if (length <= 0 || length > MAX_JSON_BYTES) {
            throw MalformedModelException.of(
                    file, "header length", "1 to " + MAX_JSON_BYTES + " bytes", Long.toUnsignedString(length));
        }
        if (length > fileBytes - LENGTH_BYTES) {
            throw new MalformedModelException(
                    file + ": header: expected " + length + " bytes, file ends after " + (fileBytes - LENGTH_BYTES));
        }
        return (int) length;
    }

    /// Parses the JSON of a file that is `fileBytes` long in all.
    static SafetensorsHeader parse(byte[] json, Path file, long fileBytes) {
        if (json[0] != '{') {
            throw MalformedModelException.of(
                    file, "header", "JSON that starts with {", String.format("byte 0x%02x", json[0]));
        }
        JsonObject header = Json.parseObject(json, file);
        long dataStart = LENGTH_BYTES + (long) json.length;
        Map<String, RawTensor> tensors = new LinkedHashMap<>();
        for (String name : header.keys()) {
            if (!name.equals(METADATA)) {
                tensors.put(name, tensor(name, header.requireObject(name), dataStart, fileBytes));
            }
        }
        checkCoverage(tensors.values(), file, dataStart, fileBytes);
        return new SafetensorsHeader(Collections.unmodifiableMap(tensors), metadata(header));
    }

    private static Map<String, String> metadata(JsonObject header) {
        Map<String, String> metadata = new LinkedHashMap<>();
        header.optionalObject(METADATA)
                .ifPresent(object -> object.keys().forEach(key -> metadata.put(key, object.requireString(key))));
        return Collections.unmodifiableMap(metadata);
    }

    private static RawTensor tensor(String name, JsonObject entry, long dataStart, long fileBytes) {
        String dtype = entry.requireString("dtype");
        ElementType type = ElementType.named(dtype)
                .orElseThrow(() -> entry.unexpected("dtype", "one of " + ElementType.names(), dtype));
        List<Long> shape = entry.requireLongs("shape");
        if (shape.stream().anyMatch(dimension -> dimension < 0)) {
            throw entry.unexpected("shape", "no negative dimension", shape);
        }
        List<Long> offsets = entry.requireLongs("data_offsets");
        if (offsets.size() != 2 || offsets.get(0) < 0 || offsets.get(1) < offsets.get(0)) {
            throw entry.unexpected("data_offsets", "[begin, end] with 0 <= begin <= end", offsets);
        }
        long byteLength = offsets.get(1) - offsets.get(0);
        long expected = bytes(type, shape, entry);
        if (byteLength != expected) {
            throw entry.unexpected(
                    "data_offsets", expected + " bytes for " + dtype + " " + shape, byteLength + " bytes");
        }
        if (offsets.get(1) > fileBytes - dataStart) {
            throw new MalformedModelException(entry.source() + ": tensor " + name + ": expected to end at byte "
                    + offsets.get(1) + " of the data, file ends after " + (fileBytes - dataStart));
        }
        return new RawTensor(name, dtype, shape, entry.source(), dataStart + offsets.get(0), byteLength);
    }

    private static long bytes(ElementType type, List<Long> shape, JsonObject entry) {
        try {
            return type.bytes(shape);
        } catch (ArithmeticException e) {
            throw entry.unexpected("shape", "whole bytes of " + type + " that fit 64 bits", shape);
        }
    }

    private static void checkCoverage(Collection<RawTensor> tensors, Path file, long dataStart, long fileBytes) {
        List<RawTensor> sorted = tensors.stream()
                .sorted(Comparator.comparingLong(RawTensor::offset).thenComparingLong(RawTensor::byteLength))
                .toList();
        long end = dataStart;
        String previous = "the header";
        for (RawTensor tensor : sorted) {
            String current = "tensor " + tensor.name();
            if (tensor.offset() < end) {
                throw MalformedModelException.of(
                        file,
                        current + ": data_offsets",
                        "no overlap with " + previous,
                        end - tensor.offset() + " bytes in common");
            }
            checkNoGap(file, previous, end, tensor.offset());
            end = tensor.end();
            previous = current;
        }
        checkNoGap(file, previous, end, fileBytes);
    }

    private static void checkNoGap(Path file, String previous, long end, long next) {
        if (next != end) {
            throw MalformedModelException.of(
                    file, "data", "no bytes outside the tensors", next - end + " bytes after " + previous);
        }
    }
}
