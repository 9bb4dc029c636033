package io.moetier.cluster.membership;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/// How a process finds its cluster, and proves that it belongs there: by a secret that members share or by
/// certificates, one of both.
///
/// @param cluster the name of the cluster
/// @param host the address that this process listens at, and that others reach it at
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
    /// Where members listen if nobody says otherwise.
    public static final int DEFAULT_PORT = 7947;

    /// Where members are asked for on the local network, at the same number as a UDP port: of addresses that an
    /// organization gives as it likes (RFC 2365).
    public static final String DISCOVERY_ADDRESS = "239.255.79.47";

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");
    private static final int MAX_PORT = 0xffff;

    public ClusterSettings {
        join = List.copyOf(join);
        if (!NAME.matcher(cluster).matches()) {
            throw new IllegalArgumentException(
                    "cluster: up to 64 letters, digits, dots, hyphens and underscores, a letter or digit first");
        }
        if (port < 0 || port > MAX_PORT) {
            throw new IllegalArgumentException("port: " + port + " is none");
        }
        if (secret.isPresent() && tls.isPresent()) {
            throw new IllegalArgumentException("secret: certificates take its place, so there can be only one of both");
        }
    }
}
