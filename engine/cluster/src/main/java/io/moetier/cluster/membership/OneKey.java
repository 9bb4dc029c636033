package io.moetier.cluster.membership;

import java.net.Socket;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;

/// Shows one certificate to everybody who takes its kind of key.
///
/// Managers of the JDK keep the key encrypted in memory, and derive what decrypts it anew for every connection, which
/// takes longer than all else of a handshake.
final class OneKey extends X509ExtendedKeyManager {
    private static final String ALIAS = "member";

    private final PrivateKey key;
    private final List<X509Certificate> chain;
    private final String kind;

    /// @param chain the first of which belongs to `key`
    OneKey(PrivateKey key, List<X509Certificate> chain) {
        this.key = key;
        this.chain = List.copyOf(chain);
        kind = chain.getFirst().getPublicKey().getAlgorithm();
    }

    private @Nullable String choose(String... kinds) {
        return List.of(kinds).contains(kind) ? ALIAS : null;
    }

    private String @Nullable [] aliases(String wanted) {
        return wanted.equals(kind) ? new String[] {ALIAS} : null;
    }

    @Override
    public String @Nullable [] getClientAliases(String wanted, Principal @Nullable [] issuers) {
        return aliases(wanted);
    }

    @Override
    public @Nullable String chooseClientAlias(String[] kinds, Principal @Nullable [] issuers, @Nullable Socket socket) {
        return choose(kinds);
    }

    @Override
    public @Nullable String chooseEngineClientAlias(
            String[] kinds, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
        return choose(kinds);
    }

    @Override
    public String @Nullable [] getServerAliases(String wanted, Principal @Nullable [] issuers) {
        return aliases(wanted);
    }

    @Override
    public @Nullable String chooseServerAlias(String wanted, Principal @Nullable [] issuers, @Nullable Socket socket) {
        return choose(wanted);
    }

    @Override
    public @Nullable String chooseEngineServerAlias(
            String wanted, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
        return choose(wanted);
    }

    @Override
    public X509Certificate @Nullable [] getCertificateChain(String alias) {
        return alias.equals(ALIAS) ? chain.toArray(X509Certificate[]::new) : null;
    }

    @Override
    public @Nullable PrivateKey getPrivateKey(String alias) {
        return alias.equals(ALIAS) ? key : null;
    }
}
