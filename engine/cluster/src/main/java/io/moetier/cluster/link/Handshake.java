package io.moetier.cluster.link;

import io.grpc.Metadata;
import io.moetier.cluster.membership.SharedSecret;
import io.moetier.cluster.wire.Protocol;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Optional;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/// How the sides of a link come to know each other, in headers of HTTP/2 alone, which are bounded, and before any
/// message is read.
///
/// The driver asks for a challenge, and the node answers with a number that it has drawn for this connection and takes
/// once. The driver draws another, and opens the stream with that and its proof: the HMAC-SHA-256, under a key derived
/// from the secret, of its role, the version of the protocol and both numbers. The node compares, and begins
/// its side of the stream with its own proof, of its own role; the driver compares, and says hello. A proof
/// that was overheard is of other numbers, and one that is sent back of another role. Where there is no secret,
/// certificates have been compared before, and no proof is given.
final class Handshake {
    static final Metadata.Key<String> VERSION = Metadata.Key.of("moetier-protocol", Metadata.ASCII_STRING_MARSHALLER);
    static final Metadata.Key<byte[]> NONCE = Metadata.Key.of("moetier-nonce-bin", Metadata.BINARY_BYTE_MARSHALLER);
    static final Metadata.Key<byte[]> PROOF = Metadata.Key.of("moetier-proof-bin", Metadata.BINARY_BYTE_MARSHALLER);
    static final int NONCE_BYTES = 32;
    private static final byte DRIVER = 1;
    private static final byte NODE = 2;
    private static final String ALGORITHM = "HmacSHA256";
    private static final String LABEL = "moetier link";
    private static final int KEY_BYTES = 32;
    private static final SecureRandom RANDOM = new SecureRandom();

    private final Optional<byte[]> key;

    Handshake(Optional<SharedSecret> secret) {
        this.key = secret.map(known -> known.derive(LABEL, KEY_BYTES));
    }

    static byte[] nonce() {
        byte[] nonce = new byte[NONCE_BYTES];
        RANDOM.nextBytes(nonce);
        return nonce;
    }

    /// Returns headers that say which protocol is spoken.
    static Metadata headers() {
        Metadata headers = new Metadata();
        headers.put(VERSION, String.valueOf(Protocol.VERSION));
        return headers;
    }

    /// @throws RefusedException if the other side speaks another protocol
    static void requireVersion(Metadata headers, String side, String otherSide) {
        String version = headers.get(VERSION);
        if (!String.valueOf(Protocol.VERSION).equals(version)) {
            throw new RefusedException("the " + side + " speaks version " + Protocol.VERSION
                    + " of the protocol and the " + otherSide
                    + (version == null ? " none" : " " + version)
                    + ": both must be of the same version of Moetier");
        }
    }

    /// Adds the proof of a driver.
    void prove(Metadata headers, byte[] driverNonce, byte[] nodeNonce) {
        headers.put(NONCE, driverNonce);
        key.ifPresent(known -> headers.put(PROOF, proof(known, DRIVER, driverNonce, nodeNonce)));
    }

    /// Compares the proof of a driver, and returns the headers that a node answers with.
    ///
    /// @throws RefusedException if there is no such proof
    Metadata answer(Metadata headers, byte[] nodeNonce) {
        Metadata answer = headers();
        byte[] driverNonce = requireNonce(headers);
        if (key.isPresent()) {
            requireProof(key.get(), DRIVER, "driver", headers, driverNonce, nodeNonce);
            answer.put(PROOF, proof(key.get(), NODE, driverNonce, nodeNonce));
        }
        return answer;
    }

    /// Compares the proof of a node.
    ///
    /// @throws RefusedException if there is no such proof
    void check(Metadata headers, byte[] driverNonce, byte[] nodeNonce) {
        key.ifPresent(known -> requireProof(known, NODE, "node", headers, driverNonce, nodeNonce));
    }

    static byte[] requireNonce(Metadata headers) {
        byte[] nonce = headers.get(NONCE);
        if (nonce == null || nonce.length != NONCE_BYTES) {
            throw new RefusedException("the other side did not begin as links do");
        }
        return nonce;
    }

    private static void requireProof(
            byte[] key, byte role, String name, Metadata headers, byte[] driverNonce, byte[] nodeNonce) {
        byte @Nullable [] found = headers.get(PROOF);
        if (found == null) {
            throw new RefusedException("the cluster has a secret, and the " + name + " did not prove that it knows it");
        }
        if (!MessageDigest.isEqual(proof(key, role, driverNonce, nodeNonce), found)) {
            throw new RefusedException("the " + name + " does not have the secret of this cluster");
        }
    }

    private static byte[] proof(byte[] key, byte role, byte[] driverNonce, byte[] nodeNonce) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(new SecretKeySpec(key, ALGORITHM));
            mac.update(role);
            mac.update((byte) Protocol.VERSION);
            mac.update(driverNonce);
            return mac.doFinal(Arrays.copyOf(nodeNonce, NONCE_BYTES));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e); // every Java has it
        }
    }
}
