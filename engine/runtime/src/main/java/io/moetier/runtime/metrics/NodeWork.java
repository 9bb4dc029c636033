package io.moetier.runtime.metrics;

import java.util.function.LongBinaryOperator;

/// What another machine did for this one.
///
/// @param name what people call it
/// @param rows of activations that experts were applied to
/// @param sentBytes of activations
/// @param receivedBytes of activations
/// @param waitNanos from requests to their replies, whatever was done here meanwhile
/// @param nodeNanos of these in which it computed or read
public record NodeWork(
        String name, Experts experts, long rows, long sentBytes, long receivedBytes, long waitNanos, long nodeNanos) {
    /// Experts that a machine was asked to compute.
    ///
    /// @param missing of them that did not come back, and were computed here
    /// @param read of them that it had to read from its disk
    public record Experts(long asked, long missing, long read) {
        private static final Experts NONE = new Experts(0, 0, 0);

        private Experts with(Experts other, LongBinaryOperator operator) {
            return new Experts(
                    operator.applyAsLong(asked, other.asked),
                    operator.applyAsLong(missing, other.missing),
                    operator.applyAsLong(read, other.read));
        }
    }

    /// Returns what it is when nothing was done.
    static NodeWork none(String name) {
        return new NodeWork(name, Experts.NONE, 0, 0, 0, 0, 0);
    }

    /// Returns the nanoseconds that requests and replies were on their way.
    public long linkNanos() {
        return Math.max(0, waitNanos - nodeNanos);
    }

    /// Returns what was done here and there.
    public NodeWork plus(NodeWork other) {
        return with(other, Long::sum);
    }

    NodeWork with(NodeWork other, LongBinaryOperator operator) {
        return new NodeWork(
                name,
                experts.with(other.experts, operator),
                operator.applyAsLong(rows, other.rows),
                operator.applyAsLong(sentBytes, other.sentBytes),
                operator.applyAsLong(receivedBytes, other.receivedBytes),
                operator.applyAsLong(waitNanos, other.waitNanos),
                operator.applyAsLong(nodeNanos, other.nodeNanos));
    }
}
