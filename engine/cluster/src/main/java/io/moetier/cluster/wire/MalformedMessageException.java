package io.moetier.cluster.wire;

/// Bytes that are no message of this protocol; the message says what is wrong with them.
public final class MalformedMessageException extends RuntimeException {
    private static final long serialVersionUID = 1;

    MalformedMessageException(String field, String expected, Object found) {
        super("malformed message: " + field + ": expected " + expected + ", found " + found);
    }
}
