package io.moetier.cluster.drive;

import java.io.IOException;
import java.util.List;

/// Machines of one network, numbered from 1, on which a test has members of a cluster find each other.
interface Machines extends AutoCloseable {
    /// What [#join(int)] returns for who joins nobody.
    String NONE = "none";

    /// Returns machines that each have a network stack where this process may make some, else this one for all.
    static Machines open() throws IOException {
        return Network.made().map(Machines.class::cast).orElseGet(OneMachine::new);
    }

    /// Returns the address of a machine.
    String host(int machine);

    /// Returns the port of the member on a machine, 0 for any.
    int port(int machine);

    /// Returns which member the one on a machine joins; nothing if it looks for some on the network.
    String join(int machine);

    /// Returns what runs a command on a machine, which is switched on by that.
    ///
    /// @param isCut whether it reaches nobody at first, if that can be
    List<String> on(int machine, boolean isCut, List<String> command);

    /// Cuts the member on a machine off from all others.
    void cut(int machine, NodeProcess member) throws IOException, InterruptedException;

    /// Lets it reach the others.
    void connect(int machine, NodeProcess member) throws IOException, InterruptedException;

    @Override
    void close();
}
