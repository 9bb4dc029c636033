package io.moetier.cli;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;

/// The standard streams, UTF-8 whatever the locale says: answers on `out`, everything else on `err`.
final class Streams {
    private final InputStream in;
    private final PrintWriter out;
    private final PrintWriter err;

    Streams(InputStream in, PrintWriter out, PrintWriter err) {
        this.in = in;
        this.out = out;
        this.err = err;
    }

    /// Thrown when whoever read our output has gone, as `head` does; not an error.
    static final class ClosedOutputException extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    /// Returns those of this process.
    static Streams ofProcess() {
        return new Streams(
                new FileInputStream(FileDescriptor.in), writer(FileDescriptor.out), writer(FileDescriptor.err));
    }

    InputStream in() {
        return in;
    }

    PrintWriter out() {
        return out;
    }

    PrintWriter err() {
        return err;
    }

    /// Prints a piece of the answer at once.
    ///
    /// @throws ClosedOutputException if nobody reads it any more
    void print(String text) {
        out.print(text);
        if (out.checkError()) { // flushes
            throw new ClosedOutputException();
        }
    }

    /// Prints a line for people, which is no part of the answer.
    void note(String line) {
        err.println(line);
        err.flush();
    }

    private static PrintWriter writer(FileDescriptor descriptor) {
        OutputStream bytes = new FileOutputStream(descriptor);
        return new PrintWriter(new OutputStreamWriter(bytes, StandardCharsets.UTF_8));
    }
}
