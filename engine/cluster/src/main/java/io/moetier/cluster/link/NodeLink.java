package io.moetier.cluster.link;

import io.moetier.cluster.wire.ExpertReply;
import io.moetier.cluster.wire.ExpertRequest;
import io.moetier.cluster.wire.Welcome;

/// A driver's way to one node. Requests and replies are for the thread that computes; the rest for any.
///
/// A link that has failed once, for whatever reason, stays failed: [#isUp()] is false, and whoever wants another opens
/// it.
public interface NodeLink extends AutoCloseable {
    /// How many requests may be without a reply at once.
    int MAX_UNANSWERED = 4;

    /// Returns what the node said when it took this driver.
    Welcome welcome();

    /// Says whether the node still answers, as far as is known.
    boolean isUp();

    /// Returns why the link is down, in words.
    String failure();

    /// Takes the link down, because of what is known from elsewhere; who waits for a reply waits no longer.
    void fail(String why);

    /// Says whether the node has said that it can compute an expert, by packed id, which is or was its own, and has not
    /// lacked it since.
    boolean has(int id);

    /// Tells the node which experts are its own from now on; it says of each when it can compute it.
    ///
    /// @param ids packed, the most valuable first
    void assign(int[] ids);

    /// Sends a request on its way, unless the link is down. Its buffers are free when this returns.
    ///
    /// @throws IllegalArgumentException if it or its reply is larger than the protocol's `MAX_BYTES`
    /// @throws IllegalStateException if [#MAX_UNANSWERED] requests have no reply yet
    void send(ExpertRequest request);

    /// Waits for the reply to the oldest request that has none yet, and says whether it came; if not, the link is down.
    ///
    /// @param nanos how long to wait at most
    boolean receive(ExpertReply reply, long nanos);

    /// Returns when the reply that was received last came, however long it waited here, as `System.nanoTime` has it.
    /// For the thread that computes.
    long arrivalNanos();

    /// Returns the nanoseconds that a message of so many bytes takes there and one back, the median of a few, or
    /// [Long#MAX_VALUE] if the link is down or goes down meanwhile.
    ///
    /// A message has its turn among requests, and so takes longer while the node computes for this driver.
    long roundTripNanos(int bytesThere, int bytesBack, int repetitions);

    @Override
    void close();
}
