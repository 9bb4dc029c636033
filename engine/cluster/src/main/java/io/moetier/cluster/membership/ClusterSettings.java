package io.moetier.cluster.membership;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// How a process finds its cluster, and proves that it belongs there.
///
/// @param cluster the name of the cluster
/// @param host the address that this process listens at
/// @param port where it listens, 0 for any
/// @param join `HOST[:PORT]` of members that may be there
/// @param discover whether to look for members on the local network
/// @param secret the file of the secret that members share; empty for that of this user and cluster on this machine
/// @param tls the folder with `ca.pem`, `cert.pem` and `key.pem`, with which members know each other
public record ClusterSettings(
        String cluster,
        String host,
        int port,
        List<String> join,
        boolean discover,
        Optional<Path> secret,
        Optional<Path> tls) {
    public ClusterSettings {
        join = List.copyOf(join);
    }
}
