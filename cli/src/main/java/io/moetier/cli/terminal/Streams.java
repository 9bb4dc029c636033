package io.moetier.cli.terminal;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.FilterWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// The standard streams, UTF-8 whatever the locale says: answers on `out`, everything else on `err`.
public final class Streams {
    private final InputStream in;
    private final Output output;
    private final PrintWriter out;
    private final PrintWriter err;

    public Streams(InputStream in, Writer out, PrintWriter err) {
        this.in = in;
        this.output = new Output(out);
        this.out = new PrintWriter(output);
        this.err = err;
    }

    /// Thrown when whoever read our output has gone, as `head` does; not an error.
    public static final class ClosedOutputException extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    /// Returns those of this process.
    public static Streams ofProcess() {
        return new Streams(
                new FileInputStream(FileDescriptor.in),
                writer(FileDescriptor.out),
                new PrintWriter(writer(FileDescriptor.err)));
    }

    public InputStream in() {
        return in;
    }

    public PrintWriter out() {
        return out;
    }

    public PrintWriter err() {
        return err;
    }

    /// Prints a text of ours at once, with the control characters of what it quotes shown escaped.
    ///
    /// @throws ClosedOutputException if nobody reads it any more
    /// @throws UncheckedIOException if it cannot be written otherwise
    public void print(String text) {
        printAsIs(TerminalText.escape(text));
    }

    /// Prints at once a piece of an answer, or a name that another program reads: as it is, unless a terminal would
    /// obey its control characters; throws as [#print] does.
    public void answer(String text, boolean terminal) {
        printAsIs(terminal ? TerminalText.escapeAnswer(text) : text);
    }

    private void printAsIs(String text) {
        out.print(text);
        flush();
    }

    /// Sees to it that all output so far has been written; throws as [#print] does.
    public void flush() {
        if (out.checkError()) { // flushes
            throw output.failure();
        }
    }

    /// Prints a line for people, which is no part of the answer.
    public void note(String line) {
        err.println(TerminalText.escape(line));
        err.flush();
    }

    /// Prints a question and leaves the rest of its line for the answer.
    public void ask(String question) {
        err.print(TerminalText.escape(question));
        err.flush();
    }

    private static Writer writer(FileDescriptor descriptor) {
        return new OutputStreamWriter(new FileOutputStream(descriptor), StandardCharsets.UTF_8);
    }

    /// Keeps the first error, of which a [PrintWriter] says only that there was one.
    private static final class Output extends FilterWriter {
        private @Nullable IOException first;

        Output(Writer out) {
            super(out);
        }

        @Override
        public void write(int letter) throws IOException {
            keepingError(() -> out.write(letter));
        }

        @Override
        public void write(char[] text, int offset, int length) throws IOException {
            keepingError(() -> out.write(text, offset, length));
        }

        @Override
        public void write(String text, int offset, int length) throws IOException {
            keepingError(() -> out.write(text, offset, length));
        }

        @Override
        public void flush() throws IOException {
            keepingError(out::flush);
        }

        RuntimeException failure() {
            String reason = first == null ? "no reason given" : String.valueOf(first.getMessage());
            return reason.toLowerCase(Locale.ROOT).contains("broken pipe")
                    ? new ClosedOutputException()
                    : new UncheckedIOException(
                            "standard output cannot be written: " + reason,
                            first == null ? new IOException(reason) : first);
        }

        private void keepingError(Step step) throws IOException {
            try {
                step.run();
            } catch (IOException e) {
                first = first == null ? e : first;
                throw e;
            }
        }

        private interface Step {
            void run() throws IOException;
        }
    }
}
