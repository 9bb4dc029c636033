package io.moetier.cluster.wire;

/// What a message is.
public enum MessageKind {
    /// The driver's first, a [Hello].
    HELLO(0),
    /// The node's first, a [Welcome].
    WELCOME(1),
    /// From the driver: the experts that are the node's own from now on, the most valuable first.
    ASSIGN(2),
    /// From the node: experts that it can compute from now on.
    READY(3),
    /// From the driver, an [ExpertRequest].
    REQUEST(4),
    /// From the node, an [ExpertReply]: one for each request, in their order.
    REPLY(5),
    /// From the driver: asks for a pong of some size, and may be of any size itself.
    PING(6),
    /// From the node, in its turn among replies.
    PONG(7);

    private static final MessageKind[] BY_NUMBER = {HELLO, WELCOME, ASSIGN, READY, REQUEST, REPLY, PING, PONG};

    private final int number;

    MessageKind(int number) {
        this.number = number;
    }

    /// Returns what stands for it in a message.
    int number() {
        return number;
    }

    /// @throws MalformedMessageException if there is none of that number
    static MessageKind of(int number) {
        if (number < 0 || number >= BY_NUMBER.length) {
            throw new MalformedMessageException("kind of a message", "below " + BY_NUMBER.length, number);
        }
        return BY_NUMBER[number];
    }
}
