package io.moetier.storage.format;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.jr.ob.JSON;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;

/// JSON in and out as plain maps, lists, strings, numbers and booleans. Objects keep the order of their keys.
public final class Json {
    /// A vocabulary of a million words takes a tenth of this; more is no file of ours and would only fill the heap.
    private static final long MAX_BYTES = 256L << 20;

    private static final JSON COMPACT = JSON.std.with(JSON.Feature.USE_FIELDS);
    private static final JSON PRETTY = COMPACT.with(JSON.Feature.PRETTY_PRINT_OUTPUT);

    private Json() {}

    /// Reads a file that holds one object.
    ///
    /// @throws MalformedModelException if the file is missing, unreadable or not a JSON object
    public static JsonObject readObject(Path file) {
        try {
            long bytes = Files.size(file);
            if (bytes > MAX_BYTES) {
                throw MalformedModelException.of(file, "size", "at most " + MAX_BYTES + " bytes", bytes);
            }
            return parseObject(Files.readAllBytes(file), file);
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
        try (JsonParser parser = COMPACT.createParser(utf8)) {
            JsonObject object = new JsonObject(source, "", COMPACT.mapFrom(parser));
            if (parser.nextToken() != null) {
                throw new MalformedModelException(source + ": not a JSON object: more follows after its closing brace");
            }
            return object;
        } catch (JacksonException e) {
            throw new MalformedModelException(source + ": not a JSON object: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            // The bytes are in memory, so only their decoding into characters can have failed.
            throw new MalformedModelException(source + ": not a JSON object: " + e.getMessage(), e);
        }
    }

    /// Writes maps, lists, strings, numbers, booleans and null on one line.
    public static String write(Object value) {
        return write(COMPACT, value);
    }

    /// Writes maps, lists, strings, numbers, booleans and null over several indented lines.
    public static String writePretty(Map<String, ?> value) {
        return write(PRETTY, value);
    }

    private static String write(JSON json, Object value) {
        try {
            return json.asString(value);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
