package io.moetier.cluster.link;

import io.moetier.cluster.wire.ExpertReply;
import io.moetier.cluster.wire.ExpertRequest;
import java.util.stream.Stream;

/// The requests that have no reply yet, as far as their replies are held to them. For the thread that computes.
final class Unanswered {
    private final Asked[] asked =
            Stream.generate(Asked::new).limit(NodeLink.MAX_UNANSWERED).toArray(Asked[]::new);
    private long numSent;
    private long numReceived;

    void requireRoom() {
        if (numSent - numReceived == asked.length) {
            throw new IllegalStateException(asked.length + " requests have no reply yet");
        }
    }

    void requireSome() {
        if (numSent == numReceived) {
            throw new IllegalStateException("no request is without a reply");
        }
    }

    void add(ExpertRequest request) {
        asked[(int) (numSent % asked.length)].set(request);
        numSent++;
    }

    /// Takes the reply to the oldest.
    ///
    /// @throws RefusedException if it cannot be that
    void remove(ExpertReply reply) {
        if (!asked[(int) (numReceived % asked.length)].isAnsweredBy(reply)) {
            throw new RefusedException("the node answers what it was not asked");
        }
        numReceived++;
    }

    private static final class Asked {
        private long sequence;
        private int size;
        private int numExperts;
        private int[] counts = {};

        void set(ExpertRequest request) {
            if (counts.length < request.numExperts) {
                counts = new int[request.numExperts];
            }
            System.arraycopy(request.counts, 0, counts, 0, request.numExperts);
            sequence = request.sequence;
            size = request.size;
            numExperts = request.numExperts;
        }

        boolean isAnsweredBy(ExpertReply reply) {
            if (reply.sequence != sequence || reply.size != size || reply.numExperts != numExperts) {
                return false;
            }
            int rows = 0;
            for (int i = 0; i < numExperts; i++) {
                rows += reply.lacking[i] ? 0 : counts[i];
            }
            return reply.numRows == rows;
        }
    }
}
