package io.moetier.cluster.membership;

import io.moetier.storage.format.IoFailure;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import javax.net.ssl.X509TrustManager;

/// A folder with what a member shows to others and what it asks of them: `cert.pem` with its `key.pem`, and `ca.pem`,
/// the authority that every member's certificate comes from.
///
/// Whoever has a certificate of that authority is a member; names in certificates are not compared with addresses,
/// which change. Hence the authority must be of the cluster's own.
///
/// @param folder where they are
/// @param authorities one or several
/// @param chain the certificate of this member, and those that lead to an authority
/// @param key that belongs to it
public record TlsFolder(Path folder, List<X509Certificate> authorities, List<X509Certificate> chain, PrivateKey key) {
    private static final String AUTHORITY = "ca.pem";
    private static final String CERTIFICATE = "cert.pem";
    private static final String KEY = "key.pem";
    private static final int MAX_BYTES = 1 << 20;
    private static final Pattern PKCS8 =
            Pattern.compile("-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END PRIVATE KEY-----");

    public TlsFolder {
        authorities = List.copyOf(authorities);
        chain = List.copyOf(chain);
    }

    /// Reads a folder.
    ///
    /// @throws IOException with the file that is missing, or is not what it should be, or that others may read
    public static TlsFolder read(Path folder) throws IOException {
        List<X509Certificate> chain = certificates(folder.resolve(CERTIFICATE));
        PublicKey shown = chain.getFirst().getPublicKey();
        PrivateKey key = key(folder.resolve(KEY), shown.getAlgorithm());
        if (!belongTogether(key, shown)) {
            throw malformed(folder.resolve(KEY), "does not belong to " + CERTIFICATE);
        }
        return new TlsFolder(folder, certificates(folder.resolve(AUTHORITY)), chain, key);
    }

    /// Returns the file of the authorities.
    public Path authorityFile() {
        return folder.resolve(AUTHORITY);
    }

    /// Returns the file of the certificate.
    public Path certificateFile() {
        return folder.resolve(CERTIFICATE);
    }

    /// Returns what trusts the certificates of the authorities, whichever names are in them.
    public X509ExtendedTrustManager trust() {
        try {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            for (int i = 0; i < authorities.size(); i++) {
                store.setCertificateEntry(String.valueOf(i), authorities.get(i));
            }
            TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
            factory.init(store);
            for (TrustManager manager : factory.getTrustManagers()) {
                if (manager instanceof X509TrustManager trust) {
                    return new WhateverTheName(trust);
                }
            }
            throw new IllegalStateException("no trust manager for certificates");
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalStateException(e); // every Java can
        }
    }

    private static List<X509Certificate> certificates(Path file) throws IOException {
        List<X509Certificate> certificates = new ArrayList<>();
        try (InputStream in = Files.newInputStream(file)) {
            CertificateFactory.getInstance("X.509")
                    .generateCertificates(in)
                    .forEach(certificate -> certificates.add((X509Certificate) certificate));
        } catch (CertificateException e) {
            throw malformed(file, "is no certificate in PEM");
        } catch (IOException e) {
            throw new FileSystemException(file.toString(), null, IoFailure.reason(e));
        }
        if (certificates.isEmpty()) {
            throw malformed(file, "has no certificate");
        }
        return certificates;
    }

    private static PrivateKey key(Path file, String algorithm) throws IOException {
        SharedSecret.requirePrivate(file);
        String text;
        try (InputStream in = Files.newInputStream(file)) {
            text = new String(in.readNBytes(MAX_BYTES), StandardCharsets.ISO_8859_1);
        }
        Matcher pem = PKCS8.matcher(text);
        if (!pem.find()) {
            throw malformed(file, "has no key in PKCS#8, which begins with BEGIN PRIVATE KEY");
        }
        try {
            byte[] encoded = Base64.getMimeDecoder().decode(pem.group(1));
            return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(encoded));
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            throw malformed(file, "has no key of the kind that " + CERTIFICATE + " has, " + algorithm);
        }
    }

    private static boolean belongTogether(PrivateKey key, PublicKey shown) {
        String algorithm = switch (shown.getAlgorithm()) {
            case "EC" -> "SHA256withECDSA";
            case "RSA" -> "SHA256withRSA";
            default -> shown.getAlgorithm(); // of Edwards curves, whose signatures are called like their keys
        };
        try {
            Signature signature = Signature.getInstance(algorithm);
            signature.initSign(key);
            byte[] signed = signature.sign(); // of nothing
            signature.initVerify(shown);
            return signature.verify(signed);
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    private static IOException malformed(Path file, String reason) {
        return new FileSystemException(file.toString(), null, reason);
    }

    /// Compares no name with an address, which a manager that is not told of the connection cannot.
    private static final class WhateverTheName extends X509ExtendedTrustManager {
        private final X509TrustManager trust;

        WhateverTheName(X509TrustManager trust) {
            this.trust = trust;
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
            trust.checkClientTrusted(chain, type);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
            trust.checkServerTrusted(chain, type);
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
                throws CertificateException {
            trust.checkClientTrusted(chain, type);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket)
                throws CertificateException {
            trust.checkServerTrusted(chain, type);
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
                throws CertificateException {
            trust.checkClientTrusted(chain, type);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
                throws CertificateException {
            trust.checkServerTrusted(chain, type);
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return trust.getAcceptedIssuers();
        }
    }
}
