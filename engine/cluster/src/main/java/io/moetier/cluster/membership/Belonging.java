package io.moetier.cluster.membership;

import java.io.IOException;
import java.nio.file.Path;

/// A cluster that a process belongs to, with what proves it.
///
/// @param settings how the cluster is found
/// @param identity what proves it, read from its files
public record Belonging(ClusterSettings settings, Identity identity) {
    /// Reads what proves it.
    ///
    /// @param ownSecrets as [Identity#read]
    /// @throws IOException as [Identity#read]
    public static Belonging read(ClusterSettings settings, Path ownSecrets) throws IOException {
        return new Belonging(settings, Identity.read(settings, ownSecrets));
    }
}
