package io.moetier.cluster.link;

import io.moetier.cluster.wire.ExpertReply;
import io.moetier.cluster.wire.ExpertRequest;
import io.moetier.cluster.wire.Hello;
import io.moetier.cluster.wire.Welcome;
import java.util.function.Consumer;

/// What a node does for drivers, as a link's server calls it.
public interface NodeService {
    /// Takes a driver.
    ///
    /// @param ready is told the packed ids of experts that can be computed from now on, by any thread
    /// @throws RefusedException with a sentence for the driver
    Guest open(Hello hello, Consumer<int[]> ready);

    /// One driver at a node. Requests come one after another.
    interface Guest extends AutoCloseable {
        Welcome welcome();

        /// Is told which experts are this node's own from now on.
        void assign(int[] ids);

        /// Computes what a request asks for, or says that experts are lacking.
        ///
        /// @throws RefusedException if the request cannot be one of this model; the link is closed then
        void compute(ExpertRequest request, ExpertReply reply);

        /// The driver has left, or was cut off: frees what it held. Called once, after everything else.
        @Override
        void close();
    }
}
