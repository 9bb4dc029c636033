package io.moetier.lab.cluster;

import io.moetier.cluster.placement.Link;
import java.util.List;
import java.util.stream.Stream;

/// A driver, which computes attention and chooses experts, and the nodes that compute experts for it.
///
/// @param driverBytesPerSecond of the driver's own link, which all nodes share, in each direction; may be infinite
public record Cluster(Machine driver, double driverBytesPerSecond, List<Node> nodes) {
    /// @throws IllegalArgumentException if nothing comes through the driver's link
    public Cluster {
        nodes = List.copyOf(nodes);
        if (!(driverBytesPerSecond > 0)) {
            throw new IllegalArgumentException("a driver's link of " + driverBytesPerSecond + " bytes/s");
        }
    }

    /// Returns the cluster without its nodes.
    Cluster alone() {
        return new Cluster(driver, driverBytesPerSecond, List.of());
    }

    /// Returns the cluster with all nodes that far.
    Cluster withRoundTrip(double seconds) {
        return new Cluster(
                driver,
                driverBytesPerSecond,
                nodes.stream()
                        .map(node -> new Node(
                                node.machine(), new Link(seconds, node.link().bytesPerSecond())))
                        .toList());
    }

    /// Returns all machines, the driver first.
    List<Machine> machines() {
        return Stream.concat(Stream.of(driver), nodes.stream().map(Node::machine))
                .toList();
    }
}
