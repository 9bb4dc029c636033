package io.moetier.storage.format;

import io.moetier.storage.model.MalformedModelException;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Reads the metadata of a GGUF file into plain values, as JSON has them.
///
/// Whole numbers become `Integer`, `Long` or, above that, `BigInteger`; both kinds of floating point become `Double`.
final class GgufMetadata {
    static final int UINT8 = 0;
    static final int INT8 = 1;
    static final int UINT16 = 2;
    static final int INT16 = 3;
    static final int UINT32 = 4;
    static final int INT32 = 5;
    static final int FLOAT32 = 6;
    static final int BOOL = 7;
    static final int STRING = 8;
    static final int ARRAY = 9;
    static final int UINT64 = 10;
    static final int INT64 = 11;
    static final int FLOAT64 = 12;

    /// No known key has an array in an array in an array.
    private static final int MAX_DEPTH = 3;
    /// An array's header: the type of its elements and their number.
    private static final int ARRAY_BYTES = 12;

    private final GgufCursor cursor;
    private final Path file;
    private final Map<String, @Nullable Object> values = new LinkedHashMap<>();

    GgufMetadata(GgufCursor cursor, Path file) {
        this.cursor = cursor;
        this.file = file;
    }

    /// Reads the value of `key`.
    void readEntry(String key) {
        String field = "metadata " + key;
        if (values.put(key, value(cursor.readInt(field + ": type"), field, 1)) != null) {
            throw MalformedModelException.of(file, field, "each key once", "two entries of this key");
        }
    }

    JsonObject finish() {
        return new JsonObject(file, "", Collections.unmodifiableMap(values));
    }

    private Object value(int type, String field, int depth) {
        return switch (type) {
            case UINT8 -> cursor.readByte(field) & 0xFF;
            case INT8 -> cursor.readByte(field);
            case UINT16 -> cursor.readShort(field) & 0xFFFF;
            case INT16 -> cursor.readShort(field);
            case UINT32 -> unsigned(cursor.readInt(field));
            case INT32 -> cursor.readInt(field);
            case FLOAT32 -> (double) Float.intBitsToFloat(cursor.readInt(field));
            case BOOL -> bool(cursor.readByte(field), field);
            case STRING -> cursor.readString(field, Integer.MAX_VALUE);
            case ARRAY -> array(field, depth);
            case UINT64 -> unsigned(cursor.readLong(field));
            case INT64 -> cursor.readLong(field);
            case FLOAT64 -> Double.longBitsToDouble(cursor.readLong(field));
            default -> throw unknownType(field, type);
        };
    }

    private List<Object> array(String field, int depth) {
        if (depth > MAX_DEPTH) {
            throw MalformedModelException.of(file, field, "arrays at most " + MAX_DEPTH + " deep", "deeper ones");
        }
        int type = cursor.readInt(field + ": type of elements");
        int count = cursor.readCount(field + ": number of elements", leastBytes(type, field));
        List<Object> elements = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            elements.add(value(type, field, depth + 1));
        }
        return Collections.unmodifiableList(elements);
    }

    private int leastBytes(int type, String field) {
        return switch (type) {
            case UINT8, INT8, BOOL -> Byte.BYTES;
            case UINT16, INT16 -> Short.BYTES;
            case UINT32, INT32, FLOAT32 -> Integer.BYTES;
            case STRING, UINT64, INT64, FLOAT64 -> Long.BYTES;
            case ARRAY -> ARRAY_BYTES;
            default -> throw unknownType(field, type);
        };
    }

    private Object bool(int value, String field) {
        if (value != 0 && value != 1) {
            throw MalformedModelException.of(file, field, "0 or 1 for false or true", value & 0xFF);
        }
        return value == 1;
    }

    private MalformedModelException unknownType(String field, int type) {
        return MalformedModelException.of(
                file, field + ": type", "a number from 0 to " + FLOAT64, Integer.toUnsignedString(type));
    }

    private static Object unsigned(int value) {
        long unsigned = Integer.toUnsignedLong(value);
        return value >= 0 ? (Object) value : (Object) unsigned;
    }

    private static Object unsigned(long value) {
        return value >= 0 ? (Object) value : new BigInteger(Long.toUnsignedString(value));
    }
}
