package io.moetier.cluster.membership.jgroups;

import io.moetier.cluster.membership.MembershipException;
import io.moetier.cluster.membership.SharedSecret;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

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
        PemFolder pem = new PemFolder(folder);
        Certificate[] chain = pem.chain();
        try {
            KeyStore authorities = emptyStore();
            for (Certificate authority : pem.authorities()) {
                authorities.setCertificateEntry("authority " + authorities.size(), authority);
            }
            TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
            trust.init(authorities);
            return new Identity(context(keys(pem.key(chain[0]), chain), trust.getTrustManagers()), false);
        } catch (GeneralSecurityException | IOException e) {
            throw new MembershipException(folder + ": its key and certificates do not belong together");
        }
    }

    private static KeyManager[] keys(PrivateKey key, Certificate[] chain) throws GeneralSecurityException, IOException {
        KeyStore store = emptyStore();
        store.setKeyEntry("member", key, new char[0], chain);
        KeyManagerFactory factory = KeyManagerFactory.getInstance("PKIX");
        factory.init(store, new char[0]);
        return factory.getKeyManagers();
    }

    private static KeyStore emptyStore() throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, new char[0]);
        return store;
    }

    private static SSLContext context(KeyManager[] keys, TrustManager... trust) throws GeneralSecurityException {
        SSLContext context = SSLContext.getInstance("TLSv1.3");
        context.init(keys, trust, null);
        return context;
    }
}
