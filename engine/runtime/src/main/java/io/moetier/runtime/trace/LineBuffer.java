package io.moetier.runtime.trace;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/// The lines of a stream, one at a time, in a buffer that grows to the longest of them.
final class LineBuffer {
    /// Some hundred lines of the usual models.
    private static final int FIRST_BYTES = 1 << 18;

    private final InputStream in;
    private final int maxLineBytes;
    private byte[] bytes = new byte[FIRST_BYTES];
    private int start; // of the line
    private int end; // of the line, where its line feed stands
    private int limit; // of what was read
    private boolean exhausted;

    LineBuffer(InputStream in, int maxLineBytes) {
        this.in = in;
        this.maxLineBytes = maxLineBytes;
    }

    /// Moves to the next line that is not empty, whichever way its ends are written; returns false at the end.
    ///
    /// @throws LineTooLongException if there are more than `maxLineBytes` of it
    boolean next() throws IOException {
        start = end;
        while (start < limit || fill()) {
            if (bytes[start] != '\n' && bytes[start] != '\r') {
                findEnd();
                return true;
            }
            start++;
        }
        end = start;
        return false;
    }

    byte[] bytes() {
        return bytes;
    }

    int start() {
        return start;
    }

    int end() {
        return end;
    }

    byte[] line() {
        return Arrays.copyOfRange(bytes, start, end);
    }

    private void findEnd() throws IOException {
        end = start;
        do {
            while (end < limit && bytes[end] != '\n') {
                end++;
            }
        } while (end == limit && fill());
    }

    /// Reads more behind what there is; the line may move to another place, and `end` with it.
    private boolean fill() throws IOException {
        if (exhausted) {
            return false;
        }
        int length = limit - start;
        if (length > maxLineBytes) {
            throw new LineTooLongException();
        }
        byte[] target = length > bytes.length / 2 ? new byte[2 * bytes.length] : bytes;
        System.arraycopy(bytes, start, target, 0, length);
        bytes = target;
        end = Math.max(end - start, 0);
        start = 0;
        limit = length;
        int read = in.read(bytes, limit, bytes.length - limit);
        exhausted = read < 0;
        limit += Math.max(read, 0);
        return !exhausted;
    }

    /// A line is longer than any of a trace.
    static final class LineTooLongException extends IOException {
        private static final long serialVersionUID = 1L;
    }
}
