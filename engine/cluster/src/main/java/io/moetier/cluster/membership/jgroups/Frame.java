package io.moetier.cluster.membership.jgroups;

import io.moetier.storage.format.UnsafeCharacters;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/// What members say to each other: a version, a kind, and what belongs to the kind. Whatever comes is checked as it is
/// read.
///
/// @param kind what it is about
/// @param content what it says, read once
record Frame(Kind kind, ByteBuffer content) {
    /// The version of all this; a member of another one is not understood.
    static final byte PROTOCOL = 1;

    /// What a frame is about.
    enum Kind {
        /// Who somebody is, and what it offers.
        HELLO(1),
        /// A table of owners, or that it is forgotten.
        TABLE(2),
        /// Which tables somebody has.
        TABLES(3),
        /// Work.
        TASK(4),
        /// That work is no longer wanted.
        CANCEL(5),
        /// What became of work.
        RESULT(6);

        private final byte code;

        Kind(int code) {
            this.code = (byte) code;
        }
    }

    /// What came is not what a member of this version says.
    static final class MalformedException extends Exception {
        private static final long serialVersionUID = 1;

        MalformedException(String message) {
            super(message);
        }
    }

    static Frame read(byte[] bytes, int offset, int length) throws MalformedException {
        if (length < 2) {
            throw new MalformedException("says nothing");
        }
        if (bytes[offset] != PROTOCOL) {
            throw new MalformedException("speaks version " + bytes[offset] + " and not " + PROTOCOL);
        }
        for (Kind kind : Kind.values()) {
            if (kind.code == bytes[offset + 1]) {
                return new Frame(kind, ByteBuffer.wrap(bytes, offset + 2, length - 2));
            }
        }
        throw new MalformedException("speaks of what is not known");
    }

    /// Returns a number.
    long number() throws MalformedException {
        try {
            return content.getLong();
        } catch (BufferUnderflowException e) {
            throw new MalformedException("ends too early");
        }
    }

    /// Returns bytes.
    byte[] bytes(int most) throws MalformedException {
        long length = number();
        if (length < 0 || length > most || length > content.remaining()) {
            throw new MalformedException("has a part of " + length + " bytes");
        }
        byte[] bytes = new byte[(int) length];
        content.get(bytes);
        return bytes;
    }

    /// Returns a text that can be shown; bytes that are none become other characters.
    String text(int mostBytes) throws MalformedException {
        String text = new String(bytes(mostBytes), StandardCharsets.UTF_8);
        if (text.chars().anyMatch(UnsafeCharacters::isUnsafe)) {
            throw new MalformedException("has a text that cannot be shown");
        }
        return text;
    }

    /// Puts a frame together: numbers, texts and bytes.
    static byte[] of(Kind kind, Object... parts) {
        byte[][] encoded = new byte[parts.length][];
        int length = 2;
        for (int i = 0; i < parts.length; i++) {
            encoded[i] = switch (parts[i]) {
                case Long number ->
                    ByteBuffer.allocate(Long.BYTES).putLong(number).array();
                case String text -> counted(text.getBytes(StandardCharsets.UTF_8));
                case byte[] bytes -> counted(bytes);
                default ->
                    throw new IllegalArgumentException(parts[i].getClass().getName());
            };
            length = Math.addExact(length, encoded[i].length);
        }
        ByteBuffer frame = ByteBuffer.allocate(length).put(PROTOCOL).put(kind.code);
        for (byte[] part : encoded) {
            frame.put(part);
        }
        return frame.array();
    }

    private static byte[] counted(byte[] bytes) {
        return ByteBuffer.allocate(Long.BYTES + bytes.length)
                .putLong(bytes.length)
                .put(bytes)
                .array();
    }
}
