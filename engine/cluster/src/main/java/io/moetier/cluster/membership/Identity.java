package io.moetier.cluster.membership;

import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509ExtendedTrustManager;

/// How a process proves that it is a member, and knows others that are: by TLS in which both sides show a certificate.
///
/// @param key that belongs to the first of `chain`
/// @param chain what it shows
/// @param trust whom it takes
/// @param folder of the certificates; nothing where members share a secret, from which all have derived the same key
public record Identity(
        PrivateKey key, List<X509Certificate> chain, X509ExtendedTrustManager trust, Optional<TlsFolder> folder) {
    /// The version of TLS that members speak.
    public static final String PROTOCOL = "TLSv1.3";

    public Identity {
        chain = List.copyOf(chain);
    }

    /// Reads what proves it.
    ///
    /// @param ownSecrets the folder of this user's secrets, one for each cluster that has been given nothing else;
    ///     made when it is first needed
    /// @throws IOException if a file can be neither read nor made, or is none of its kind
    public static Identity read(ClusterSettings settings, Path ownSecrets) throws IOException {
        if (settings.tls().isPresent()) {
            return of(TlsFolder.read(settings.tls().get()));
        }
        SharedSecret secret = settings.secret().isPresent()
                ? SharedSecret.read(settings.secret().get())
                : SharedSecret.readOrCreate(ownSecrets.resolve(settings.cluster() + ".secret"));
        return of(secret, settings.cluster());
    }

    /// Returns that of members of a cluster that know a secret.
    public static Identity of(SharedSecret secret, String cluster) {
        SecretCertificate.Pair pair = SecretCertificate.of(secret, cluster);
        return new Identity(
                pair.key(),
                List.of(pair.certificate()),
                new SameKeyTrust(pair.certificate().getPublicKey()),
                Optional.empty());
    }

    /// Returns that of members whose certificates come from the authority of the cluster.
    public static Identity of(TlsFolder folder) {
        return new Identity(folder.key(), folder.chain(), folder.trust(), Optional.of(folder));
    }

    /// Says whether both sides refuse each other or neither does.
    public boolean isSymmetric() {
        return folder.isEmpty();
    }

    /// Returns what shows the certificates.
    public X509ExtendedKeyManager keyManager() {
        return new OwnKey(key, chain);
    }

    /// Returns what makes connections.
    public SSLContext context() {
        try {
            SSLContext context = SSLContext.getInstance(PROTOCOL);
            context.init(new KeyManager[] {keyManager()}, new TrustManager[] {trust}, null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e); // every Java has it
        }
    }
}
