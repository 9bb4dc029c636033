package io.moetier.cluster.drive;

import io.moetier.cluster.link.NodeLink;
import io.moetier.cluster.membership.Member;
import io.moetier.cluster.placement.Link;
import io.moetier.cluster.wire.ExpertReply;
import io.moetier.cluster.wire.ExpertRequest;
import io.moetier.cluster.wire.Protocol;
import io.moetier.runtime.metrics.ActivityListener;
import io.moetier.runtime.remote.NodeRows;
import java.util.Arrays;

/// One node as the thread that computes sees it: which experts of the layer under way it was given, in which requests.
///
/// Confined to the thread that computes, but for the link.
final class NodePort {
    /// Requests that are on their way at once: enough that the node always has the next one, few enough that neither
    /// side has to keep much.
    private static final int MOST_UNDER_WAY = 3;
    /// How long a node may be silent while it computes: so many times what it usually takes. The membership notices
    /// a process that hangs before the least of it. The longest is for a node that nothing is known of: it may have
    /// to read all that it is asked for.
    private static final int USUAL_TIMES = 20;

    private static final long LEAST_PATIENCE_NANOS = 6_000_000_000L;
    private static final long LONGEST_PATIENCE_NANOS = 120_000_000_000L;

    private final Member member;
    private final NodeLink link;
    private final NodeUse use;
    private final Link way;
    private final ExpertRequest request = new ExpertRequest();
    private final ExpertReply reply = new ExpertReply();
    private int[] given = new int[16]; // indices into the layer's experts
    private int numGiven;
    private long rowsGiven;
    private double nanosGiven;
    private int numSent;
    private int[] ends = new int[4]; // of each request, into given
    private int numRequests; // of them sent
    private int[] localRow = {}; // by row of the layer's inputs
    private int[] stamps = {}; // by row of the layer's inputs: the request that has it
    private int stamp;
    private long sequence;
    private long sentNanos;
    private long receivedNanos;
    private long nodeNanos; // of what was received
    private int layer;
    private int mostRows;

    /// @param called what tells the node from others in what is told of it
    NodePort(Member member, String called, NodeLink link, Link way) {
        this.member = member;
        this.link = link;
        this.way = way;
        use = new NodeUse(called);
    }

    /// Says whether an expert can be asked for alone: neither the request nor its reply is too large for a message.
    static boolean fits(NodeRows rows, int i) {
        return fits(rows, 1, rows.count(i));
    }

    private static boolean fits(NodeRows rows, int numExperts, int numRows) {
        int numInputs = Math.min(numRows, rows.numInputs());
        return Protocol.requestBytes(numExperts, numRows, numInputs, rows.size()) <= Protocol.MAX_BYTES
                && Protocol.replyBytes(numExperts, numRows, rows.size()) <= Protocol.MAX_BYTES;
    }

    /// Returns how far the node is.
    Link way() {
        return way;
    }

    Member member() {
        return member;
    }

    NodeLink link() {
        return link;
    }

    NodeUse use() {
        return use;
    }

    /// Forgets what a layer before has left.
    void begin() {
        numGiven = 0;
        rowsGiven = 0;
        nanosGiven = 0;
        nodeNanos = 0;
        numSent = 0;
        numRequests = 0;
    }

    /// Gives this node expert `i` of the layer, for `rows` rows.
    void give(int i, int rows) {
        nanosGiven += use.nanosPerRow() * rows;
        if (numGiven == given.length) {
            given = Arrays.copyOf(given, 2 * numGiven);
        }
        given[numGiven++] = i;
        rowsGiven += rows;
    }

    /// Returns how long this node will take for what it was given, by what it took lately.
    double nanosGiven() {
        return nanosGiven;
    }

    /// Sends what was given, in requests of `mostRows` at most, or of one expert; the last ones when replies come.
    void send(NodeRows rows, int mostRows) {
        sentNanos = System.nanoTime();
        this.mostRows = mostRows;
        while (numSent < numGiven && numRequests < MOST_UNDER_WAY) {
            sendNext(rows);
        }
    }

    private void sendNext(NodeRows rows) {
        fill(rows);
        link.send(request);
    }

    private void fill(NodeRows rows) {
        int from = numSent;
        int numRows = 0;
        while (numSent < numGiven
                && (numSent == from || isRoom(rows, numSent + 1 - from, numRows + rows.count(given[numSent])))) {
            numRows += rows.count(given[numSent++]);
        }
        end(numSent);
        request.reserve(numSent - from, numRows, Math.min(numRows, rows.numInputs()), rows.size());
        request.begin(++sequence, rows.layer(), rows.tokens(), rows.size());
        beginInputs(rows.numInputs());
        for (int at = from; at < numSent; at++) {
            int i = given[at];
            request.experts[request.numExperts] = rows.expert(i);
            request.weights[request.numExperts] = rows.weight(i);
            request.counts[request.numExperts++] = rows.count(i);
            for (int row = 0; row < rows.count(i); row++) {
                request.rows[request.numRows++] = input(rows, rows.inputRows()[rows.from(i) + row]);
            }
        }
        use.sent(request.numExperts, request.numRows, (long) Float.BYTES * request.numInputs * rows.size());
    }

    private boolean isRoom(NodeRows rows, int numExperts, int numRows) {
        return numRows <= mostRows && fits(rows, numExperts, numRows);
    }

    private void end(int at) {
        if (numRequests == ends.length) {
            ends = Arrays.copyOf(ends, 2 * numRequests);
        }
        ends[numRequests++] = at;
    }

    private void beginInputs(int numInputs) {
        if (stamps.length < numInputs) {
            stamps = new int[numInputs];
            localRow = new int[numInputs];
            stamp = 0;
        }
        stamp++;
    }

    /// Returns the row of the request that has a row of the layer's inputs.
    private int input(NodeRows rows, int row) {
        if (stamps[row] != stamp) {
            stamps[row] = stamp;
            localRow[row] = request.numInputs;
            System.arraycopy(
                    rows.inputs(), row * rows.size(), request.inputs, request.numInputs * rows.size(), rows.size());
            request.numInputs++;
        }
        return localRow[row];
    }

    /// Waits for all replies, writes the results where they belong, says of each expert that came that it is not
    /// missing, and returns how many came.
    int receive(NodeRows rows, float[] results, boolean[] missing) {
        long patience = patienceNanos();
        int from = 0;
        int numTaken = 0;
        for (int i = 0; i < numRequests && link.isUp() && link.receive(reply, patience); i++) {
            if (numSent < numGiven) {
                sendNext(rows);
            }
            numTaken += take(rows, from, results, missing);
            from = ends[i];
        }
        if (numGiven > 0) {
            layer = rows.layer();
            receivedNanos = from == numGiven ? link.arrivalNanos() : System.nanoTime();
            use.received(receivedNanos - sentNanos, rowsGiven, numGiven - numTaken);
        }
        return numTaken;
    }

    private long patienceNanos() {
        return use.isKnown()
                ? Math.clamp((long) (USUAL_TIMES * nanosGiven), LEAST_PATIENCE_NANOS, LONGEST_PATIENCE_NANOS)
                : LONGEST_PATIENCE_NANOS;
    }

    /// Tells of what was received last, if anything was asked.
    void tell(ActivityListener listener) {
        if (numGiven > 0) {
            listener.onNode(use.name(), layer, sentNanos, receivedNanos, nodeNanos);
        }
    }

    private int take(NodeRows rows, int from, float[] results, boolean[] missing) {
        int numTaken = 0;
        int row = 0;
        for (int i = 0; i < reply.numExperts; i++) {
            if (!reply.lacking[i]) {
                int expert = given[from + i];
                int count = rows.count(expert);
                System.arraycopy(
                        reply.outputs,
                        row * rows.size(),
                        results,
                        rows.from(expert) * rows.size(),
                        count * rows.size());
                row += count;
                missing[expert] = false;
                numTaken++;
            }
        }
        nodeNanos += reply.nanos;
        use.computed(reply.nanos, reply.numRead, (long) Float.BYTES * row * rows.size());
        return numTaken;
    }
}
