package io.moetier.lab.foreign;

import io.moetier.storage.format.IoFailure;
import io.moetier.storage.model.MalformedModelException;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// The lines of a text file, one at a time and none longer than a limit.
final class TextLines implements AutoCloseable {
    private final Path file;
    private final int mostBytes;
    private final InputStream in;
    private long number;

    @SuppressWarnings("MustBeClosedChecker") // close() closes the stream
    TextLines(Path file, int mostBytes) {
        this.file = file;
        this.mostBytes = mostBytes;
        try {
            in = new BufferedInputStream(Files.newInputStream(file), 1 << 16);
        } catch (NoSuchFileException e) {
            throw new MalformedModelException(file + ": no such file", e);
        } catch (IOException e) {
            throw new MalformedModelException(file + ": cannot be read: " + IoFailure.reason(e), e);
        }
    }

    /// Returns the next line that is not empty, without its end, or null after the last.
    @Nullable
    String next() {
        String line = nextLine();
        while (line != null && line.isBlank()) {
            line = nextLine();
        }
        return line;
    }

    /// Returns a name for the line last read, for errors.
    Path where() {
        return file.resolveSibling(file.getFileName() + " line " + number);
    }

    MalformedModelException unexpected(String field, Object expected, Object found) {
        return MalformedModelException.of(where(), field, String.valueOf(expected), found);
    }

    /// Reads a number from a text of the line.
    int number(String field, String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw unexpected(field, "an integer", "'" + text + "'");
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

    private @Nullable String nextLine() {
        try {
            number++;
            ByteArrayOutputStream line = new ByteArrayOutputStream();
            int letter = in.read();
            if (letter < 0) {
                return null;
            }
            for (; letter >= 0 && letter != '\n'; letter = in.read()) {
                if (line.size() == mostBytes) {
                    throw new MalformedModelException(where() + ": longer than " + mostBytes + " bytes");
                }
                line.write(letter);
            }
            String text = line.toString(StandardCharsets.UTF_8);
            return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
        } catch (IOException e) {
            throw new MalformedModelException(where() + ": cannot be read: " + IoFailure.reason(e), e);
        }
    }
}
