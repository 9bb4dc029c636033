package io.moetier.cluster.membership;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/// A cluster that a process belongs to, with what proves it: a secret or certificates, read from their files.
///
/// @param settings how the cluster is found
/// @param secret what members share, if they have no certificates
/// @param tls certificates, if they have these
public record Belonging(ClusterSettings settings, Optional<SharedSecret> secret, Optional<TlsFolder> tls) {
    /// Reads what proves it.
    ///
    /// @param ownSecrets as [ClusterSettings#openSecret]
    /// @throws IOException if a file cannot be read, or is none of its kind
    public static Belonging read(ClusterSettings settings, Path ownSecrets) throws IOException {
        Optional<TlsFolder> tls = settings.tls().isPresent()
                ? Optional.of(TlsFolder.read(settings.tls().get()))
                : Optional.empty();
        return new Belonging(settings, settings.openSecret(ownSecrets), tls);
    }
}
