package io.moetier.cluster.membership;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.IOException;
import java.nio.file.Path;
import java.security.Principal;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.security.auth.x500.X500Principal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OwnKeyTest {
    private static final Principal[] OF_ANOTHER = {new X500Principal("CN=another authority")};

    @TempDir
    Path folder = Path.of("");

    private SecretCertificate.Pair pair() throws IOException {
        return SecretCertificate.of(SharedSecret.readOrCreate(folder.resolve("secret")), "test");
    }

    @Test
    void isShownToWhomeverItCanConvince() throws IOException {
        SecretCertificate.Pair pair = pair();
        X509Certificate own = pair.certificate();
        OwnKey key = new OwnKey(pair.key(), List.of(own));
        String kind = own.getPublicKey().getAlgorithm();
        Principal[] signers = {OF_ANOTHER[0], own.getIssuerX500Principal()};
        String name = key.chooseEngineServerAlias(kind, null, null);
        assertNotNull(name);
        assertEquals(name, key.chooseEngineClientAlias(new String[] {"other", kind}, signers, null));
        assertEquals(name, key.chooseClientAlias(new String[] {kind}, new Principal[0], null));
        assertArrayEquals(new X509Certificate[] {own}, key.getCertificateChain(name));
        assertEquals(pair.key(), key.getPrivateKey(name));
    }

    @Test
    void isNotShownToWhoTakesNeitherItsKindNorItsIssuer() throws IOException {
        SecretCertificate.Pair pair = pair();
        OwnKey key = new OwnKey(pair.key(), List.of(pair.certificate()));
        String kind = pair.certificate().getPublicKey().getAlgorithm();
        assertNull(key.chooseEngineServerAlias("other", null, null));
        assertNull(key.chooseServerAlias(kind, OF_ANOTHER, null));
        assertNull(key.chooseEngineClientAlias(new String[] {kind}, OF_ANOTHER, null));
        assertNull(key.getClientAliases(kind, OF_ANOTHER));
        assertNull(key.getPrivateKey("another"));
        assertNull(key.getCertificateChain("another"));
    }
}
