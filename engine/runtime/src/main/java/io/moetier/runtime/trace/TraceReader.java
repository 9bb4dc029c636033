package io.moetier.runtime.trace;

import io.moetier.storage.format.IoFailure;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.jspecify.annotations.Nullable;

/// Reads a trace of format `moe-trace/1` token by token, as objects or, faster, into a row of arrays. Fields it does
/// not know are ignored.
public final class TraceReader implements AutoCloseable {
    /// A line of the largest models is below a hundredth of this; a file that is no trace must not fill the memory.
    private static final int MAX_LINE_BYTES = 16 << 20;

    private final Path file;
    private final InputStream in;
    private final LineBuffer lines;
    private final TraceHeader header;
    private final PlainLine plainLine;
    private long lineNumber;
    private long numTokens;
    private final Set<Integer> requests = new HashSet<>(); // that have begun
    private int request = -1; // the last that did

    private TraceReader(Path file, InputStream in) {
        this.file = file;
        this.in = in;
        lines = new LineBuffer(in, MAX_LINE_BYTES);
        JsonObject first = nextObject();
        if (first == null) {
            throw new MalformedModelException(file + ": empty, expected a trace of format " + TraceHeader.FORMAT);
        }
        header = TraceHeader.parse(first);
        plainLine = new PlainLine(header);
    }

    /// Opens a trace and reads its header.
    ///
    /// @throws MalformedModelException if the file is missing, not gzip or not a trace
    @SuppressWarnings("MustBeClosedChecker") // the reader closes the stream
    public static TraceReader open(Path file) {
        InputStream raw = null;
        try {
            raw = Files.newInputStream(file);
            return new TraceReader(file, new GZIPInputStream(raw, 1 << 16));
        } catch (NoSuchFileException e) {
            throw new MalformedModelException(file + ": no such file", e);
        } catch (EOFException | ZipException e) {
            throw closing(raw, new MalformedModelException(file + ": not a gzip file", e));
        } catch (IOException e) {
            throw closing(raw, new MalformedModelException(file + ": cannot be read: " + IoFailure.reason(e), e));
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
            TraceToken token = TokenLine.parse(line, header);
            enter(token.request());
            return token;
        }
        requireAllTokens();
        return null;
    }

    /// Reads the next token into `row`, which must be one for this header's shape; returns false after the last.
    ///
    /// @throws MalformedModelException as [#next()]
    public boolean read(TokenRow row) {
        if (!nextLine()) {
            requireAllTokens();
            return false;
        }
        numTokens++;
        if (!plainLine.read(lines.bytes(), lines.start(), lines.end(), row)) {
            row.set(TokenLine.parse(parse(), header));
        }
        enter(row.request());
        return true;
    }

    /// Requires a token of the request under way, or of one that has not been.
    private void enter(int next) {
        if (next != request && !requests.add(next)) {
            throw MalformedModelException.of(
                    where(), "r", "requests one after another", next + " again after " + request);
        }
        request = next;
    }

    private void requireAllTokens() {
        if (numTokens != header.tokens()) {
            throw new MalformedModelException(
                    file + ": tokens: expected " + header.tokens() + " as the header says, found " + numTokens);
        }
    }

    @Override
    public void close() {
        try {
            in.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private @Nullable JsonObject nextObject() {
        return nextLine() ? parse() : null;
    }

    /// Moves to the next line that is not empty; returns false at the end.
    private boolean nextLine() {
        lineNumber++;
        try {
            return lines.next();
        } catch (LineBuffer.LineTooLongException e) {
            throw new MalformedModelException(where() + ": longer than " + MAX_LINE_BYTES + " bytes", e);
        } catch (EOFException | ZipException e) {
            throw new MalformedModelException(where() + ": the gzip data is damaged or cut off", e);
        } catch (IOException e) {
            throw new MalformedModelException(where() + ": cannot be read: " + IoFailure.reason(e), e);
        }
    }

    private JsonObject parse() {
        return Json.parseObject(lines.line(), where());
    }

    /// Returns a path that names the line too, for the errors of the JSON reader.
    private Path where() {
        return file.resolveSibling(file.getFileName() + " line " + lineNumber);
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
