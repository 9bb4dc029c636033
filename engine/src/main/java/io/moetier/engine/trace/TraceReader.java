package io.moetier.engine.trace;

import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.jspecify.annotations.Nullable;

/// Reads a trace of format `moe-trace/1` token by token. Fields it does not know are ignored.
public final class TraceReader implements AutoCloseable {
    /// A line of the largest models is below a hundredth of this; a file that is no trace must not fill the memory.
    private static final int MAX_LINE_BYTES = 16 << 20;

    private final Path file;
    private final InputStream lines;
    private final TraceHeader header;
    private long lineNumber;
    private long numTokens;

    private TraceReader(Path file, InputStream lines) {
        this.file = file;
        this.lines = lines;
        JsonObject first = nextObject();
        if (first == null) {
            throw new MalformedModelException(file + ": empty, expected a trace of format " + TraceHeader.FORMAT);
        }
        header = TraceHeader.parse(first);
    }

    /// Opens a trace and reads its header.
    ///
    /// @throws MalformedModelException if the file is missing, not gzip or not a trace
    @SuppressWarnings("MustBeClosedChecker") // the reader closes the stream
    public static TraceReader open(Path file) {
        InputStream raw = null;
        try {
            raw = Files.newInputStream(file);
            return new TraceReader(file, new BufferedInputStream(new GZIPInputStream(raw, 1 << 16), 1 << 16));
        } catch (NoSuchFileException e) {
            throw new MalformedModelException(file + ": no such file", e);
        } catch (EOFException | ZipException e) {
            throw closing(raw, new MalformedModelException(file + ": not a gzip file", e));
        } catch (IOException e) {
            throw closing(raw, new MalformedModelException(file + ": cannot be read: " + e.getMessage(), e));
        } catch (RuntimeException e) {
            throw closing(raw, e);
        }
    }

    public TraceHeader header() {
        return header;
    }

    /// Returns the next token, or null after the last.
    ///
    /// @throws MalformedModelException if the line is not one of a token, or if there are not as many tokens
    ///     as the header says
    public @Nullable TraceToken next() {
        JsonObject line = nextObject();
        if (line != null) {
            numTokens++;
            return TokenLine.parse(line, header);
        }
        if (numTokens != header.tokens()) {
            throw new MalformedModelException(
                    file + ": tokens: expected " + header.tokens() + " as the header says, found " + numTokens);
        }
        return null;
    }

    @Override
    public void close() {
        try {
            lines.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private @Nullable JsonObject nextObject() {
        lineNumber++;
        // A path that names the line too, for the errors of the JSON reader.
        Path where = file.resolveSibling(file.getFileName() + " line " + lineNumber);
        try {
            byte[] line = nextLine();
            return line.length == 0 ? null : Json.parseObject(line, where);
        } catch (EOFException | ZipException e) {
            throw new MalformedModelException(where + ": the gzip data is damaged or cut off", e);
        } catch (IOException e) {
            throw new MalformedModelException(where + ": cannot be read: " + e.getMessage(), e);
        }
    }

    /// Returns the next line that is not empty, or an empty one at the end.
    private byte[] nextLine() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream(4096);
        for (int b = lines.read(); b >= 0 && (b != '\n' || line.size() == 0); b = lines.read()) {
            if (b != '\n') {
                line.write(b);
            }
            if (line.size() > MAX_LINE_BYTES) {
                throw new MalformedModelException(
                        file + ": line " + lineNumber + " is longer than " + MAX_LINE_BYTES + " bytes");
            }
        }
        return line.toByteArray();
    }

    private static RuntimeException closing(@Nullable InputStream raw, RuntimeException failure) {
        try {
            if (raw != null) {
                raw.close();
            }
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
        return failure;
    }
}
