package io.moetier.cluster.drive;

import io.moetier.cluster.link.NodeLink;
import io.moetier.cluster.membership.Member;
import io.moetier.cluster.membership.Offer;
import io.moetier.cluster.placement.Link;
import io.moetier.cluster.wire.ExpertReply;
import io.moetier.cluster.wire.ExpertRequest;
import io.moetier.cluster.wire.Welcome;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// A link to a node in memory, whose experts give a row that tells which expert read what.
final class FakeLink implements NodeLink {
    final Set<Integer> ready = new HashSet<>(); // packed ids; empty for all
    final Set<Integer> lacking = new HashSet<>(); // experts
    final List<Integer> rowsOfRequests = new ArrayList<>();
    final List<int[]> assignments = new ArrayList<>();
    int repliesUntilFailure = Integer.MAX_VALUE;
    int mostUnderWay;
    long arrivalNanos;
    long patienceNanos; // of who has received last
    volatile boolean closed;
    private final Deque<ExpertReply> replies = new ArrayDeque<>();
    private final long ramBytes;
    private final double bytesPerSecond;
    private volatile String failure = "";

    FakeLink() {
        this(1 << 30);
    }

    FakeLink(long ramBytes) {
        this(ramBytes, 1e9);
    }

    FakeLink(long ramBytes, double bytesPerSecond) {
        this.ramBytes = ramBytes;
        this.bytesPerSecond = bytesPerSecond;
    }

    static Member member(String name) {
        return member(name, name, "");
    }

    static Member member(String id, String name, String place) {
        return new Member(id, name, place, new Offer(Offer.Role.NODE, "127.0.0.1", 1, 1 << 30, 1, "bits", "1"));
    }

    NodePort port(String name) {
        return new NodePort(member(name), name, this, new Link(1e-6, Double.POSITIVE_INFINITY));
    }

    /// Returns what an expert makes of an element.
    static float result(int layer, int expert, float input) {
        return input * 1000 + layer * 100 + expert;
    }

    @Override
    public Welcome welcome() {
        return new Welcome("bits", ramBytes, bytesPerSecond, 1e8, new int[0]);
    }

    @Override
    public boolean isUp() {
        return failure.isEmpty();
    }

    @Override
    public String failure() {
        return failure;
    }

    @Override
    public void fail(String why) {
        failure = why;
    }

    @Override
    public boolean has(int id) {
        return ready.isEmpty() || ready.contains(id);
    }

    @Override
    public void assign(int[] ids) {
        assignments.add(ids.clone());
    }

    @Override
    public void send(ExpertRequest request) {
        if (!isUp()) {
            return;
        }
        if (replies.size() == MAX_UNANSWERED) {
            throw new IllegalStateException("too many under way");
        }
        rowsOfRequests.add(request.numRows);
        ExpertReply reply = new ExpertReply();
        reply.reserve(request.numExperts, request.numRows, request.size);
        reply.sequence = request.sequence;
        reply.numExperts = request.numExperts;
        reply.size = request.size;
        int row = 0;
        for (int i = 0; i < request.numExperts; i++) {
            reply.lacking[i] = lacking.contains(request.experts[i]);
            for (int end = row + request.counts[i]; row < end; row++) {
                for (int at = 0; at < request.size && !reply.lacking[i]; at++) {
                    reply.outputs[reply.numRows * request.size + at] = result(
                            request.layer, request.experts[i], request.inputs[request.rows[row] * request.size + at]);
                }
                reply.numRows += reply.lacking[i] ? 0 : 1;
            }
        }
        replies.add(reply);
        mostUnderWay = Math.max(mostUnderWay, replies.size());
    }

    @Override
    public boolean receive(ExpertReply reply, long nanos) {
        patienceNanos = nanos;
        if (repliesUntilFailure-- == 0) {
            fail("it is gone");
        }
        if (!isUp()) {
            return false;
        }
        ExpertReply next = replies.remove();
        reply.reserve(next.numExperts, next.numRows, next.size);
        reply.numExperts = next.numExperts;
        reply.numRows = next.numRows;
        System.arraycopy(next.lacking, 0, reply.lacking, 0, next.numExperts);
        System.arraycopy(next.outputs, 0, reply.outputs, 0, next.numRows * next.size);
        return true;
    }

    @Override
    public long arrivalNanos() {
        return arrivalNanos;
    }

    /// Returns what was assigned last.
    int[] assigned() {
        return Arrays.stream(assignments.getLast()).sorted().toArray();
    }

    @Override
    public long roundTripNanos(int bytesThere, int bytesBack, int repetitions) {
        return 1000;
    }

    @Override
    public void close() {
        fail("closed");
        closed = true;
    }
}
