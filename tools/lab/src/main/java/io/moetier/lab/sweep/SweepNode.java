package io.moetier.lab.sweep;

import io.moetier.cluster.membership.Membership;
import io.moetier.cluster.membership.TaskException;
import io.moetier.lab.sweep.SweepReply.Kept;
import io.moetier.lab.sweep.SweepReply.Lacking;
import java.nio.file.Path;
import java.util.Optional;

/// What a node does in the sweeps of others: keeps traces, and replays them.
public final class SweepNode implements AutoCloseable {
    /// The name of the work that computes.
    static final String COMPUTING = "sweep";

    /// The name of the work that keeps traces, which does not wait for threads that compute.
    static final String KEEPING = "sweep-trace";

    private static final int KEEPING_THREADS = 2;

    private final String version;
    private final TraceShelf shelf;
    private final SweepSimulator simulator = new SweepSimulator();

    SweepNode(String version, TraceShelf shelf) {
        this.version = version;
        this.shelf = shelf;
    }

    /// Offers to others of a cluster what this machine computes in sweeps, until it is closed or the cluster is left.
    ///
    /// @param folder where traces are kept meanwhile, which is made if need be
    /// @param bytes that these may take
    /// @param threads that compute, at most
    public static SweepNode offerTo(Membership membership, Path folder, long bytes, int threads) {
        SweepNode node = new SweepNode(membership.self().offer().version(), new TraceShelf(folder, bytes));
        membership.tasks().offer(COMPUTING, threads, node::answer);
        membership.tasks().offer(KEEPING, KEEPING_THREADS, node::answer);
        return node;
    }

    /// @throws TaskException with a sentence for who asks
    byte[] answer(byte[] argument) {
        SweepReply reply = switch (SweepRequest.read(argument, version)) {
            case SweepRequest.Part part -> new Kept(shelf.keep(part.trace(), part.offset(), part.bytes()));
            case SweepRequest.Compute compute -> compute(compute.task());
        };
        return reply.message(argument);
    }

    private SweepReply compute(SweepTask task) {
        Optional<TraceShelf.Loan> traces = shelf.lend(task.traces());
        if (traces.isEmpty()) {
            return new Lacking();
        }
        try (TraceShelf.Loan lent = traces.get()) {
            return simulator.compute(task, lent);
        }
    }

    /// Removes the traces; nothing is kept after this.
    @Override
    public void close() {
        shelf.close();
    }
}
