package io.moetier.cluster.node;

import io.moetier.cluster.copy.NodeStore;
import io.moetier.cluster.membership.Belonging;
import io.moetier.cluster.membership.ClusterSettings;
import io.moetier.cluster.relay.Relay;
import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.cpu.bandwidth.MemoryBandwidth;
import io.moetier.runtime.library.Stores;
import io.moetier.runtime.remote.KernelBits;
import io.moetier.storage.memory.ByteSize;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A node of which a network of a given delay and rate stands in front, for `tools/bench/cluster`.
public final class RelayedNode {
    private static final double DISK = 1e9; // bytes/s

    private RelayedNode() {}

    /// Is a node until somebody asks it to leave.
    ///
    /// @param arguments version, name, port, who is joined or nothing, file of the secret, memory, threads,
    ///     folder of stores, microseconds one way, bytes a second
    public static void main(String[] arguments) throws IOException, InterruptedException {
        int port = Integer.parseInt(arguments[2]);
        List<String> join = arguments[3].isEmpty() ? List.of() : List.of(arguments[3].split(","));
        Path secret = Path.of(arguments[4]);
        long ramBytes = ByteSize.parse(arguments[5]).bytes();
        int threads = Integer.parseInt(arguments[6]);
        Path cache = Path.of(arguments[7]);
        long micros = Long.parseLong(arguments[8]);
        long rate = Long.parseLong(arguments[9]);
        Belonging belonging = Belonging.read(
                new ClusterSettings("bench", "127.0.0.1", port, join, false, Optional.of(secret), Optional.empty()),
                cache);
        List<Relay> relays = new ArrayList<>();
        try (CpuDevice device = CpuDevice.open(threads, KernelChoice.AUTO, Optional.of(cache));
                ClusterNode node = ClusterNode.start(
                        belonging,
                        new NodeHost.Node(
                                arguments[1],
                                arguments[0],
                                KernelBits.of(device),
                                threads,
                                ramBytes,
                                MemoryBandwidth.roughly(threads),
                                DISK),
                        manifest -> NodeStore.open(Stores.imported(cache), cache.resolve("experts"), manifest),
                        device,
                        RelayedNode::tell,
                        own -> {
                            Relay relay = relay(own).delay(micros).rate(rate);
                            relays.add(relay);
                            return relay.port();
                        })) {
            System.out.println("node " + arguments[1] + " behind port " + node.port());
            node.awaitDrained();
        } finally {
            for (Relay relay : relays) {
                relay.close();
            }
        }
    }

    private static void tell(String sentence) {
        System.err.println(sentence);
    }

    private static Relay relay(int target) {
        try {
            return Relay.to(target);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
