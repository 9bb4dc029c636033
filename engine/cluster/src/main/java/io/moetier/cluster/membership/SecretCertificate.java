package io.moetier.cluster.membership;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.ECFieldFp;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPoint;
import java.security.spec.ECPrivateKeySpec;
import java.security.spec.ECPublicKeySpec;
import java.util.HexFormat;

/// The key pair that a secret stands for, so that knowing the secret can be proven by TLS as it is: every
/// member has the same key, and takes nobody who has another.
///
/// The private key is the secret's own, derived for this cluster; the certificate only carries the public one, for TLS
/// wants one. It names nobody, and nobody looks at its dates.
final class SecretCertificate {
    private static final String CURVE = "secp256r1";
    /// Sixteen bytes more than the curve's order, so that the remainder is as good as evenly distributed.
    private static final int SCALAR_BYTES = 48;

    private static final int SEQUENCE = 0x30;
    private static final int SET = 0x31;
    private static final int INTEGER = 0x02;
    private static final int BIT_STRING = 0x03;
    private static final int UTF8_STRING = 0x0c;
    private static final int UTC_TIME = 0x17;
    private static final int VERSION = 0xa0;
    private static final byte[] ECDSA_WITH_SHA256 = HexFormat.of().parseHex("06082a8648ce3d040302");
    private static final byte[] COMMON_NAME = HexFormat.of().parseHex("0603550403");

    private SecretCertificate() {}

    /// A private key, and the certificate that carries the public one.
    record Pair(PrivateKey key, X509Certificate certificate) {}

    static Pair of(SharedSecret secret, String cluster) {
        try {
            AlgorithmParameters parameters = AlgorithmParameters.getInstance("EC");
            parameters.init(new ECGenParameterSpec(CURVE));
            ECParameterSpec curve = parameters.getParameterSpec(ECParameterSpec.class);
            BigInteger scalar = new BigInteger(1, secret.derive("membership of " + cluster, SCALAR_BYTES))
                    .mod(curve.getOrder().subtract(BigInteger.ONE))
                    .add(BigInteger.ONE);
            KeyFactory keys = KeyFactory.getInstance("EC");
            PrivateKey key = keys.generatePrivate(new ECPrivateKeySpec(scalar, curve));
            PublicKey publicKey = keys.generatePublic(new ECPublicKeySpec(multiple(scalar, curve), curve));
            return new Pair(key, certificate(key, publicKey));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e); // every Java has it
        }
    }

    /// Returns the generator of a curve, added to itself so many times less one.
    private static ECPoint multiple(BigInteger scalar, ECParameterSpec spec) {
        BigInteger prime = ((ECFieldFp) spec.getCurve().getField()).getP();
        BigInteger a = spec.getCurve().getA();
        ECPoint sum = ECPoint.POINT_INFINITY;
        for (int bit = scalar.bitLength() - 1; bit >= 0; bit--) {
            sum = sum(sum, sum, a, prime);
            if (scalar.testBit(bit)) {
                sum = sum(sum, spec.getGenerator(), a, prime);
            }
        }
        return sum;
    }

    /// Adds two points, which are the same or whose first coordinates differ.
    private static ECPoint sum(ECPoint p, ECPoint q, BigInteger a, BigInteger prime) {
        if (p.equals(ECPoint.POINT_INFINITY)) {
            return q;
        }
        BigInteger px = p.getAffineX();
        BigInteger py = p.getAffineY();
        BigInteger slope = p.equals(q)
                ? px.pow(2)
                        .multiply(BigInteger.valueOf(3))
                        .add(a)
                        .multiply(py.shiftLeft(1).modInverse(prime))
                : q.getAffineY()
                        .subtract(py)
                        .multiply(q.getAffineX().subtract(px).modInverse(prime));
        BigInteger x = slope.pow(2).subtract(px).subtract(q.getAffineX()).mod(prime);
        return new ECPoint(x, slope.multiply(px.subtract(x)).subtract(py).mod(prime));
    }

    private static X509Certificate certificate(PrivateKey key, PublicKey publicKey) throws GeneralSecurityException {
        byte[] name = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8_STRING, utf8("member")))));
        byte[] signed = der(
                SEQUENCE,
                der(VERSION, der(INTEGER, new byte[] {2})),
                der(INTEGER, new byte[] {1}),
                der(SEQUENCE, ECDSA_WITH_SHA256),
                name,
                der(SEQUENCE, der(UTC_TIME, utf8("200101000000Z")), der(UTC_TIME, utf8("491231235959Z"))),
                name,
                publicKey.getEncoded());
        Signature signature = Signature.getInstance("SHA256withECDSA");
        signature.initSign(key);
        signature.update(signed);
        byte[] encoded =
                der(SEQUENCE, signed, der(SEQUENCE, ECDSA_WITH_SHA256), der(BIT_STRING, new byte[1], signature.sign()));
        return (X509Certificate)
                CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(encoded));
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /// Returns a value as X.690 encodes it: its tag, its length, its parts.
    private static byte[] der(int tag, byte[]... parts) {
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            content.writeBytes(part);
        }
        int length = content.size();
        ByteArrayOutputStream encoded = new ByteArrayOutputStream();
        encoded.write(tag);
        if (length >= 0x80) {
            encoded.write(0x82);
            encoded.write(length >> 8);
        }
        encoded.write(length);
        encoded.writeBytes(content.toByteArray());
        return encoded.toByteArray();
    }
}
