package io.moetier.cluster.wire;

/// What both sides hold each other to: how large a message may be, and what its numbers may say.
///
/// Every message has a header of 8 bytes, its magic, the version of the protocol and its [kind][MessageKind], and what
/// follows is in little-endian order, without gaps and with nothing behind it: there is one way to write each message.
/// Floats cross bit by bit, whatever they are.
public final class Protocol {
    /// Of what is said here and at the opening of a link; sides whose versions differ refuse each other.
    public static final int VERSION = 1;

    /// Most bytes of a message. A request that asks for more, or whose reply would be larger, is its maker's to split.
    public static final int MAX_BYTES = 16 << 20;

    /// Bytes that every message begins with.
    public static final int HEADER_BYTES = 8;

    static final int MAGIC = 0x5245544D; // MTER
    static final int MAX_TEXT_BYTES = 1024;
    static final int REQUEST_BYTES = HEADER_BYTES + Long.BYTES + 6 * Integer.BYTES;
    static final int REPLY_BYTES = HEADER_BYTES + 2 * Long.BYTES + 4 * Integer.BYTES;
    static final int PROBE_BYTES = HEADER_BYTES + Long.BYTES + Integer.BYTES;

    private Protocol() {}

    /// Returns the bytes of a request, which must not be above [#MAX_BYTES].
    public static long requestBytes(long numExperts, long numRows, long numInputs, long size) {
        return REQUEST_BYTES + Float.BYTES * (3 * numExperts + numRows + numInputs * size);
    }

    /// Returns the bytes of the reply to a request that lacks no expert, which must not be above [#MAX_BYTES].
    public static long replyBytes(long numExperts, long numRows, long size) {
        return REPLY_BYTES + numExperts + Float.BYTES * (numRows * size);
    }
}
