package io.moetier.cluster.membership;

import java.net.Socket;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.List;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;

/// Shows one certificate, whoever asks. A key store would have it too, but encrypts keys that it is given, with ten
/// thousand rounds of a hash, and decrypts them again: milliseconds for each connection.
final class OwnKey extends X509ExtendedKeyManager {
    private static final String NAME = "member";

    private final PrivateKey key;
    private final X509Certificate[] chain;

    OwnKey(PrivateKey key, List<X509Certificate> chain) {
        this.key = key;
        this.chain = chain.toArray(X509Certificate[]::new);
    }

    /// Returns the name of the key, or null if the other side takes neither its kind nor any of who signed for it.
    private @Nullable String choose(@Nullable String[] kinds, Principal @Nullable [] issuers) {
        boolean kind = Arrays.asList(kinds).contains(chain[0].getPublicKey().getAlgorithm());
        boolean signed = issuers == null || issuers.length == 0 || isSignedByOneOf(List.of(issuers));
        return kind && signed ? NAME : null;
    }

    private boolean isSignedByOneOf(List<Principal> issuers) {
        return Arrays.stream(chain).anyMatch(each -> issuers.contains(each.getIssuerX500Principal()));
    }

    private String @Nullable [] names(String kind, Principal @Nullable [] issuers) {
        String name = choose(new String[] {kind}, issuers);
        return name == null ? null : new String[] {name};
    }

    @Override
    public @Nullable String chooseEngineClientAlias(
            String[] kinds, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
        return choose(kinds, issuers);
    }

    @Override
    public @Nullable String chooseEngineServerAlias(
            String kind, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
        return choose(new String[] {kind}, issuers);
    }

    @Override
    public @Nullable String chooseClientAlias(String[] kinds, Principal @Nullable [] issuers, @Nullable Socket socket) {
        return choose(kinds, issuers);
    }

    @Override
    public @Nullable String chooseServerAlias(String kind, Principal @Nullable [] issuers, @Nullable Socket socket) {
        return choose(new String[] {kind}, issuers);
    }

    @Override
    public String @Nullable [] getClientAliases(String kind, Principal @Nullable [] issuers) {
        return names(kind, issuers);
    }

    @Override
    public String @Nullable [] getServerAliases(String kind, Principal @Nullable [] issuers) {
        return names(kind, issuers);
    }

    @Override
    public X509Certificate @Nullable [] getCertificateChain(String name) {
        return name.equals(NAME) ? chain.clone() : null;
    }

    @Override
    public @Nullable PrivateKey getPrivateKey(String name) {
        return name.equals(NAME) ? key : null;
    }
}
