package io.moetier.storage.format;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.jr.ob.JSON;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// JSON in and out as plain maps, lists, strings, numbers and booleans. Objects keep the order of their keys.
public final class Json {
    /// A vocabulary of a million words takes a tenth of this; more is no file of ours and would only fill the heap.
    private static final int MAX_BYTES = 256 << 20;

    private static final byte[] BYTE_ORDER_MARK = {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF};

    /// Python writes numbers that are not finite; whoever asks for one is refused ([JsonObject#value]).
    private static final JsonFactory PYTHON = JsonFactory.builder()
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .build();

    private static final JSON COMPACT =
            JSON.builder(PYTHON).enable(JSON.Feature.USE_FIELDS).build();
    private static final JSON PRETTY = COMPACT.with(JSON.Feature.PRETTY_PRINT_OUTPUT);

    private Json() {}

    /// Reads a file that holds one object.
    ///
    /// @throws MalformedModelException if the file is missing, unreadable or not a JSON object
    public static JsonObject readObject(Path file) {
        return readObject(file, MAX_BYTES);
    }

    /// Reads so many bytes at most. The size of a file that has any is known before it is read; `/dev/zero` has none.
    static JsonObject readObject(Path file, int maxBytes) {
        try (InputStream in = Files.newInputStream(file)) {
            long bytes = Files.size(file);
            if (bytes > maxBytes) {
                throw MalformedModelException.of(file, "size", "at most " + maxBytes + " bytes", bytes);
            }
            byte[] text = in.readNBytes(maxBytes + 1);
            if (text.length > maxBytes) {
                throw MalformedModelException.of(file, "size", "at most " + maxBytes + " bytes", "more");
            }
            return parseObject(text, file);
        } catch (NoSuchFileException e) {
            throw new MalformedModelException(file + ": no such file", e);
        } catch (IOException e) {
            throw new MalformedModelException(file + ": cannot be read: " + IoFailure.reason(e), e);
        }
    }

    /// Parses UTF-8 bytes that hold one object; `source` is named in errors.
    ///
    /// @throws MalformedModelException if the bytes are not a JSON object
    public static JsonObject parseObject(byte[] utf8, Path source) {
        byte[] text = startsWithMark(utf8) ? Arrays.copyOfRange(utf8, BYTE_ORDER_MARK.length, utf8.length) : utf8;
        try (JsonParser parser = COMPACT.createParser(text)) {
            return parseObject(parser, source);
        } catch (IOException e) {
            // The bytes are in memory, so only their decoding into characters can have failed.
            throw notAnObject(source, String.valueOf(e.getMessage()), e);
        }
    }

    private static JsonObject parseObject(JsonParser parser, Path source) throws IOException {
        try {
            @Nullable JsonToken first = parser.nextToken();
            if (first != JsonToken.START_OBJECT) {
                throw notAnObject(source, first == null ? "it is empty" : "it does not begin with a brace", null);
            }
            JsonObject object = new JsonObject(source, "", COMPACT.mapFrom(parser));
            if (parser.nextToken() != null) {
                throw notAnObject(source, "more follows after its closing brace", null);
            }
            return object;
        } catch (JacksonException e) {
            throw notAnObject(source, JsonFault.sentence(e, parser.currentLocation()), e);
        }
    }

    private static MalformedModelException notAnObject(Path source, String why, @Nullable Exception cause) {
        MalformedModelException fault = new MalformedModelException(source + ": not a JSON object: " + why);
        if (cause != null) {
            fault.initCause(cause);
        }
        return fault;
    }

    /// Editors on Windows put a mark in front of UTF-8.
    private static boolean startsWithMark(byte[] utf8) {
        return utf8.length >= BYTE_ORDER_MARK.length
                && Arrays.equals(utf8, 0, BYTE_ORDER_MARK.length, BYTE_ORDER_MARK, 0, BYTE_ORDER_MARK.length);
    }

    /// Writes maps, lists, strings, numbers, booleans and null on one line.
    public static String write(Object value) {
        return write(COMPACT, value);
    }

    /// Writes maps, lists, strings, numbers, booleans and null over several indented lines.
    public static String writePretty(Map<String, ?> value) {
        return write(PRETTY, value);
    }

    /// Only texts can have such characters, where all of them may be escaped; the others are ours.
    private static boolean isUnsafe(int letter) {
        return letter > ' ' && UnsafeCharacters.isUnsafe(letter);
    }

    private static String escaped(int letter) {
        return String.format("\\u%04x", letter);
    }

    private static String write(JSON json, Object value) {
        try {
            return UnsafeCharacters.replace(json.asString(value), Json::isUnsafe, Json::escaped);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
