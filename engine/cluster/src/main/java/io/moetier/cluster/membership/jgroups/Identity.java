package io.moetier.cluster.membership.jgroups;

import io.moetier.cluster.membership.MembershipException;
import io.moetier.cluster.membership.SharedSecret;
import io.moetier.cluster.membership.TlsFolder;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.util.Objects;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;

/// How a process proves that it is a member, and knows others that are: a context of TLS in which both sides show a
/// certificate.
///
/// @param context makes connections
/// @param symmetric whether both sides refuse each other or neither does
record Identity(SSLContext context, boolean symmetric) {
    /// Of members that know a secret.
    static Identity ofSecret(SharedSecret secret, String cluster) {
        SecretCertificate.Pair pair = SecretCertificate.of(secret, cluster);
        Certificate[] chain = {pair.certificate()};
        try {
            return new Identity(
                    context(
                            keys(pair.key(), chain),
                            new SameKeyTrust(pair.certificate().getPublicKey())),
                    true);
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalStateException(e); // every Java has it
        }
    }

    /// Of members whose certificates come from the authority of the cluster.
    static Identity ofFolder(Path folder) {
        try {
            TlsFolder tls = TlsFolder.read(folder);
            return new Identity(context(keys(tls.key(), tls.chain().toArray(Certificate[]::new)), tls.trust()), false);
        } catch (IOException e) {
            throw new MembershipException(Objects.requireNonNullElse(e.getMessage(), folder.toString()));
        } catch (GeneralSecurityException e) {
            throw new MembershipException(folder + ": its key and its certificate do not belong together");
        }
    }

    private static KeyManager[] keys(PrivateKey key, Certificate[] chain) throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setKeyEntry("member", key, new char[0], chain);
        KeyManagerFactory factory = KeyManagerFactory.getInstance("PKIX");
        factory.init(store, new char[0]);
        return factory.getKeyManagers();
    }

    private static SSLContext context(KeyManager[] keys, TrustManager... trust) throws GeneralSecurityException {
        SSLContext context = SSLContext.getInstance("TLSv1.3");
        context.init(keys, trust, null);
        return context;
    }
}
