package io.moetier.cluster.link;

import io.moetier.cluster.wire.ExpertReply;
import io.moetier.cluster.wire.ExpertRequest;
import io.moetier.cluster.wire.Hello;
import io.moetier.cluster.wire.Welcome;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/// A node of tests: an expert's rows are its inputs, each plus the expert's number; it lacks experts from 500 on.
final class TestService implements NodeService {
    static final Welcome WELCOME = new Welcome("plain", 1 << 30, 1e9, 1e8, new int[] {1, 5});
    static final String REFUSED_MODEL = "a model that it does not want";
    static final int FIRST_LACKING = 500;

    final BlockingQueue<Hello> hellos = new LinkedBlockingQueue<>();
    final BlockingQueue<Consumer<int[]>> ready = new LinkedBlockingQueue<>();
    final BlockingQueue<int[]> assigned = new LinkedBlockingQueue<>();
    final BlockingQueue<Long> computed = new LinkedBlockingQueue<>();
    final CountDownLatch closed = new CountDownLatch(1);
    final AtomicInteger numComputing = new AtomicInteger();
    volatile Consumer<ExpertRequest> before = request -> {};
    volatile Consumer<ExpertReply> after = reply -> {};

    @Override
    public Guest open(Hello hello, Consumer<int[]> tell) {
        hellos.add(hello);
        if (hello.model().equals(REFUSED_MODEL)) {
            throw new RefusedException("no node has " + hello.model());
        }
        ready.add(tell);
        return new TestGuest();
    }

    static void fill(ExpertRequest request, ExpertReply reply) {
        reply.sequence = request.sequence;
        reply.numExperts = request.numExperts;
        reply.size = request.size;
        reply.reserve(request.numExperts, request.numRows, request.size);
        int row = 0;
        int read = 0;
        for (int i = 0; i < request.numExperts; i++) {
            reply.lacking[i] = request.experts[i] >= FIRST_LACKING;
            for (int j = 0; j < request.counts[i]; j++, read++) {
                if (!reply.lacking[i]) {
                    for (int k = 0; k < request.size; k++) {
                        reply.outputs[row * request.size + k] =
                                request.inputs[request.rows[read] * request.size + k] + request.experts[i];
                    }
                    row++;
                }
            }
        }
        reply.numRows = row;
        reply.nanos = 1;
        reply.numRead = 0;
    }

    private final class TestGuest implements Guest {
        @Override
        public Welcome welcome() {
            return WELCOME;
        }

        @Override
        public void assign(int[] ids) {
            assigned.add(ids);
        }

        @Override
        public void compute(ExpertRequest request, ExpertReply reply) {
            numComputing.incrementAndGet();
            before.accept(request);
            fill(request, reply);
            after.accept(reply);
            computed.add(request.sequence);
            numComputing.decrementAndGet();
        }

        @Override
        public void close() {
            closed.countDown();
        }
    }
}
