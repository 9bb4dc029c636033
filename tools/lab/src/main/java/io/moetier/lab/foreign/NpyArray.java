package io.moetier.lab.foreign;

import io.moetier.storage.model.MalformedModelException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// An array of integers in the format of NumPy ([NEP 1](https://numpy.org/neps/nep-0001-npy-format.html)), versions 1
/// to 3, little-endian and in C order, that is `[tokens, layers, k]`.
///
/// The bytes stay where they are.
final class NpyArray implements RoutedExperts {
    /// How a file begins, a character for each byte.
    static final String MAGIC = "\u0093NUMPY";

    private static final int DIMENSIONS = 3;
    private static final int MOST_HEADER_BYTES = 1 << 16;
    private static final Map<String, Integer> BYTES_OF =
            Map.of("|i1", 1, "|u1", 1, "<i2", 2, "<u2", 2, "<i4", 4, "<u4", 4, "<i8", 8, "<u8", 8);

    private final Path source;
    private final ByteBuffer bytes;
    private final String type;
    private final int size;
    private final int[] shape;

    private NpyArray(Path source, ByteBuffer bytes, String type, int[] shape) {
        this.source = source;
        this.bytes = bytes;
        this.type = type;
        this.size = BYTES_OF.getOrDefault(type, 0);
        this.shape = shape;
    }

    /// Reads the header; `source` is named in errors.
    ///
    /// @throws MalformedModelException if it is not one of such an array or the bytes are not as many as it says
    static NpyArray of(ByteBuffer file, Path source) {
        ByteBuffer bytes = file.slice().order(ByteOrder.LITTLE_ENDIAN);
        byte[] magic = new byte[MAGIC.length()];
        if (bytes.remaining() < MAGIC.length() + 4) {
            throw new MalformedModelException(
                    source + ": expected an array of NumPy, found " + bytes.remaining() + " bytes");
        }
        bytes.get(magic);
        if (!MAGIC.equals(new String(magic, StandardCharsets.ISO_8859_1))) {
            throw new MalformedModelException(source + ": expected an array of NumPy, found another beginning");
        }
        int version = bytes.get();
        bytes.get(); // the minor version
        if (version < 1 || version > 3) {
            throw MalformedModelException.of(source, "version", "1, 2 or 3", version);
        }
        String header = header(bytes, version, source);
        String type = value(header, "descr", "'([^']*)'", source);
        if (!BYTES_OF.containsKey(type)) {
            throw MalformedModelException.of(source, "descr", "little-endian integers such as '<i2'", "'" + type + "'");
        }
        if (!value(header, "fortran_order", "(True|False)", source).equals("False")) {
            throw MalformedModelException.of(source, "fortran_order", "False", "True");
        }
        NpyArray array =
                new NpyArray(source, bytes.slice().order(ByteOrder.LITTLE_ENDIAN), type, shape(header, source));
        array.requireSize();
        return array;
    }

    @Override
    public int numTokens() {
        return shape[0];
    }

    @Override
    public int numLayers() {
        return shape[1];
    }

    @Override
    public int topK() {
        return shape[2];
    }

    @Override
    public int id(int token, int layer, int slot) {
        int at = ((token * shape[1] + layer) * shape[2] + slot) * size; // requireSize saw that this fits
        long id = switch (type) {
            case "|i1" -> bytes.get(at);
            case "|u1" -> Byte.toUnsignedInt(bytes.get(at));
            case "<i2" -> bytes.getShort(at);
            case "<u2" -> Short.toUnsignedInt(bytes.getShort(at));
            case "<i4" -> bytes.getInt(at);
            case "<u4" -> Integer.toUnsignedLong(bytes.getInt(at));
            default -> bytes.getLong(at);
        };
        if (id != (int) id) {
            throw MalformedModelException.of(
                    source, "[" + token + ", " + layer + ", " + slot + "]", "the number of an expert", id);
        }
        return (int) id;
    }

    private void requireSize() {
        long expected = size;
        for (int length : shape) {
            expected = Math.min(expected * length, 1L << 31); // more than a buffer has, and no product can overflow
        }
        if (expected != bytes.remaining()) {
            throw MalformedModelException.of(
                    source, "data", expected + " bytes, as shape and descr say", bytes.remaining());
        }
    }

    private static String header(ByteBuffer bytes, int version, Path source) {
        long length = version == 1 || bytes.remaining() < 4
                ? Short.toUnsignedInt(bytes.getShort())
                : Integer.toUnsignedLong(bytes.getInt());
        if (length > Math.min(bytes.remaining(), MOST_HEADER_BYTES)) {
            throw MalformedModelException.of(
                    source, "header length", "at most " + Math.min(bytes.remaining(), MOST_HEADER_BYTES), length);
        }
        byte[] header = new byte[(int) length];
        bytes.get(header);
        return new String(header, StandardCharsets.UTF_8);
    }

    private static int[] shape(String header, Path source) {
        String text = value(header, "shape", "(\\([^)]*\\))", source);
        Matcher lengths = Pattern.compile("\\( *(\\d{1,9}), *(\\d{1,9}), *(\\d{1,9}),? *\\)")
                .matcher(text);
        if (!lengths.matches()) {
            throw MalformedModelException.of(source, "shape", "(tokens, layers, k)", text);
        }
        int[] shape = new int[DIMENSIONS];
        for (int i = 0; i < DIMENSIONS; i++) {
            shape[i] = Integer.parseInt(lengths.group(i + 1));
        }
        if (shape[1] == 0 || shape[2] == 0) {
            throw MalformedModelException.of(source, "shape", "layers and experts", text);
        }
        return shape;
    }

    private static String value(String header, String key, String pattern, Path source) {
        Matcher value = Pattern.compile("'" + key + "' *: *" + pattern).matcher(header);
        if (!value.find()) {
            throw MalformedModelException.of(source, key, "a value in the header", "'" + header.strip() + "'");
        }
        return value.group(1);
    }
}
