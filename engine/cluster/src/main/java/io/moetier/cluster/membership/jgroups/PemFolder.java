package io.moetier.cluster.membership.jgroups;

import io.moetier.cluster.membership.MembershipException;
import io.moetier.storage.format.IoFailure;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads certificates and a key from a folder, as `openssl` writes them.
final class PemFolder {
    private static final long MAX_BYTES = 1 << 20;
    private static final Pattern KEY =
            Pattern.compile("-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END PRIVATE KEY-----");

    private final Path folder;

    PemFolder(Path folder) {
        this.folder = folder;
    }

    /// Returns whom members' certificates have to come from.
    Certificate[] authorities() {
        return certificates("ca.pem");
    }

    /// Returns this member's own certificate, and those between it and the authority.
    Certificate[] chain() {
        return certificates("cert.pem");
    }

    private Certificate[] certificates(String name) {
        try {
            Collection<? extends Certificate> found = CertificateFactory.getInstance("X.509")
                    .generateCertificates(new ByteArrayInputStream(read(name)));
            if (found.isEmpty()) {
                throw unfit(name, "there is no certificate in it");
            }
            return found.toArray(Certificate[]::new);
        } catch (CertificateException e) {
            throw unfit(name, "it has no certificates that can be read");
        }
    }

    /// Returns the private key of a certificate of this member's.
    PrivateKey key(Certificate certificate) {
        String name = "key.pem";
        Matcher found = KEY.matcher(new String(read(name), StandardCharsets.ISO_8859_1));
        if (!found.find()) {
            throw unfit(name, "it has no private key in PKCS #8 without a password, as openssl genpkey writes it");
        }
        try {
            return KeyFactory.getInstance(certificate.getPublicKey().getAlgorithm())
                    .generatePrivate(new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(found.group(1))));
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            throw unfit(name, "its key is not one of the certificate beside it");
        }
    }

    private byte[] read(String name) {
        Path file = folder.resolve(name);
        try {
            if (Files.size(file) > MAX_BYTES) {
                throw unfit(name, "it has more than " + MAX_BYTES + " bytes");
            }
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw unfit(name, IoFailure.reason(e));
        }
    }

    private MembershipException unfit(String name, String why) {
        return new MembershipException(folder.resolve(name) + ": " + why);
    }
}
