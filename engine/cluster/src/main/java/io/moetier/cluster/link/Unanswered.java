package io.moetier.cluster.link;

import io.moetier.cluster.wire.ExpertReply;
import io.moetier.cluster.wire.ExpertRequest;
import io.moetier.storage.model.ExpertId;
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

    /// @param told the messages of what is ready that have come before
    void add(ExpertRequest request, int told) {
        asked[(int) (numSent % asked.length)].set(request, told);
        numSent++;
    }

    /// Takes the reply to the oldest.
    ///
    /// @throws RefusedException if it cannot be that
    Asked remove(ExpertReply reply) {
        Asked oldest = asked[(int) (numReceived % asked.length)];
        if (!oldest.isAnsweredBy(reply)) {
            throw new RefusedException("the node answers what it was not asked");
        }
        numReceived++;
        return oldest;
    }

    /// What was asked in one request, until another one takes its place.
    static final class Asked {
        private int told;
        private long sequence;
        private int layer;
        private int size;
        private int numExperts;
        private int[] experts = {};
        private int[] counts = {};

        private void set(ExpertRequest request, int toldBefore) {
            if (counts.length < request.numExperts) {
                experts = new int[request.numExperts];
                counts = new int[request.numExperts];
            }
            System.arraycopy(request.experts, 0, experts, 0, request.numExperts);
            System.arraycopy(request.counts, 0, counts, 0, request.numExperts);
            told = toldBefore;
            sequence = request.sequence;
            layer = request.layer;
            size = request.size;
            numExperts = request.numExperts;
        }

        /// Returns the packed id of an expert.
        int id(int i) {
            return ExpertId.pack(layer, experts[i]);
        }

        /// Returns how many messages of what is ready had come before it was asked.
        int told() {
            return told;
        }

        private boolean isAnsweredBy(ExpertReply reply) {
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
