package io.moetier.storage.format;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.jr.ob.JSON;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/// JSON in and out as plain maps, lists, strings, numbers and booleans. Objects keep the order of their keys.
public final class Json {
    private static final JSON COMPACT = JSON.std.with(JSON.Feature.USE_FIELDS);
    private static final JSON PRETTY = COMPACT.with(JSON.Feature.PRETTY_PRINT_OUTPUT);

    private Json() {}

    /// Reads a file that holds one object.
    ///
    /// @throws MalformedModelException if the file is missing, unreadable or not a JSON object
    public static JsonObject readObject(Path file) {
        try {
            return parseObject(Files.readAllBytes(file), file);
        } catch (java.nio.file.NoSuchFileException e) {
            throw new MalformedModelException(file + ": no such file", e);
        } catch (IOException e) {
            throw new MalformedModelException(file + ": cannot be read: " + e.getMessage(), e);
        }
    }

    /// Parses UTF-8 bytes that hold one object; `source` is named in errors.
    ///
    /// @throws MalformedModelException if the bytes are not a JSON object
    public static JsonObject parseObject(byte[] utf8, Path source) {
        try {
            return new JsonObject(source, "", COMPACT.mapFrom(utf8));
        } catch (JacksonException e) {
            throw new MalformedModelException(source + ": not a JSON object: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
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
