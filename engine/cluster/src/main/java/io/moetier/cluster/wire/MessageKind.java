package io.moetier.cluster.wire;

/// What a message is. Its place in this list is its number.
public enum MessageKind {
    /// The driver's first, a [Hello].
    HELLO,
    /// The node's first, a [Welcome].
    WELCOME,
    /// From the driver: the experts that are the node's own from now on, the most valuable first.
    ASSIGN,
    /// From the node: experts that it can compute from now on.
    READY,
    /// From the driver, an [ExpertRequest].
    REQUEST,
    /// From the node, an [ExpertReply]: one for each request, in their order.
    REPLY,
    /// From the driver: asks for a pong of some size, and may be of any size itself.
    PING,
    /// From the node, in its turn among replies.
    PONG;

    private static final MessageKind[] ALL = values();

    /// @throws MalformedMessageException if there is none of that number
    static MessageKind of(int number) {
        if (number < 0 || number >= ALL.length) {
            throw new MalformedMessageException("kind of a message", "below " + ALL.length, number);
        }
        return ALL[number];
    }
}
