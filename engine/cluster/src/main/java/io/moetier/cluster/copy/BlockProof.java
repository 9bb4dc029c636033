package io.moetier.cluster.copy;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/// How both sides of a call prove that they have the cluster's secret: by the HMAC-SHA-256 of the question and the
/// method's name, and by that of the question and the answer.
///
/// A question says when it was put, and has a number that was drawn for it. One that is a minute old or from
/// the future, or whose number has been seen in that time, is refused, so that nothing is gained by repeating
/// what was overheard. Without a secret, certificates have been compared before, and the proofs are left out.
///
/// Shareable between threads.
final class BlockProof {
    static final long MOST_AGE_MILLIS = 60_000;
    static final int MOST_SEEN = 1 << 16;
    private static final int NONCE_BYTES = 16;
    private static final byte VERSION = 1;
    private static final int HEAD_BYTES = 1 + Long.BYTES + NONCE_BYTES + Integer.BYTES;
    private static final int MOST_MODEL_BYTES = 128;
    private static final byte ASKED = 1;
    private static final byte ANSWERED = 2;
    private static final String ALGORITHM = "HmacSHA256";
    private static final SecureRandom RANDOM = new SecureRandom();

    private final Optional<byte[]> key;
    private final InstantSource clock;
    private final Map<ByteBuffer, Long> seen = new LinkedHashMap<>(); // guarded by itself: when, by nonce

    BlockProof(Optional<byte[]> key, InstantSource clock) {
        this.key = key.map(byte[]::clone);
        this.clock = clock;
    }

    /// What is asked for.
    ///
    /// @param model the digest of a model's experts
    /// @param id of an expert, packed
    record Question(String model, int id) {}

    /// A question cannot be taken; the message says why.
    static final class UnprovenException extends Exception {
        private static final long serialVersionUID = 1;

        UnprovenException(String message) {
            super(message);
        }
    }

    /// Returns the bytes of a question, different ones each time.
    byte[] ask(Question question) {
        byte[] model = question.model().getBytes(StandardCharsets.UTF_8);
        byte[] nonce = new byte[NONCE_BYTES];
        RANDOM.nextBytes(nonce);
        return ByteBuffer.allocate(HEAD_BYTES + model.length)
                .put(VERSION)
                .putLong(clock.millis())
                .put(nonce)
                .putInt(question.id())
                .put(model)
                .array();
    }

    /// Returns the proof of who asks, if there is a secret.
    Optional<byte[]> proofOfQuestion(String method, byte[] question) {
        return proof(ASKED, question, MemorySegment.ofArray(method.getBytes(StandardCharsets.UTF_8)));
    }

    /// Returns the proof of who answers, if there is a secret.
    Optional<byte[]> proofOfAnswer(byte[] question, MemorySegment answer) {
        return proof(ANSWERED, question, answer);
    }

    /// Compares the proof of who asks.
    ///
    /// @throws UnprovenException if it is not proved, too old, or not asked for the first time
    Question check(String method, byte @Nullable [] question, byte @Nullable [] proof) throws UnprovenException {
        if (question == null
                || question.length < HEAD_BYTES
                || question.length > HEAD_BYTES + MOST_MODEL_BYTES
                || question[0] != VERSION) {
            throw new UnprovenException("nothing is asked that is understood here");
        }
        requireEqual(proofOfQuestion(method, question), proof);
        ByteBuffer in = ByteBuffer.wrap(question, 1, question.length - 1);
        long asked = in.getLong();
        long now = clock.millis();
        if (asked < now - MOST_AGE_MILLIS || asked > now + MOST_AGE_MILLIS) {
            throw new UnprovenException("the clocks of both machines are more than a minute apart");
        }
        byte[] nonce = new byte[NONCE_BYTES];
        in.get(nonce);
        if (key.isPresent()) {
            requireUnseen(ByteBuffer.wrap(nonce), now);
        }
        int id = in.getInt();
        byte[] model = new byte[in.remaining()];
        in.get(model);
        return new Question(new String(model, StandardCharsets.UTF_8), id);
    }

    /// Compares the proof of who answers.
    ///
    /// @throws UnprovenException if it is not proved
    void checkAnswer(byte[] question, MemorySegment answer, byte @Nullable [] proof) throws UnprovenException {
        requireEqual(proofOfAnswer(question, answer), proof);
    }

    private static void requireEqual(Optional<byte[]> expected, byte @Nullable [] proof) throws UnprovenException {
        if (expected.isPresent() && (proof == null || !MessageDigest.isEqual(expected.get(), proof))) {
            throw new UnprovenException("the other machine does not have the secret of this cluster");
        }
    }

    private void requireUnseen(ByteBuffer nonce, long now) throws UnprovenException {
        synchronized (seen) {
            Iterator<Long> oldest = seen.values().iterator();
            while (oldest.hasNext() && oldest.next() < now - 2 * MOST_AGE_MILLIS) {
                oldest.remove();
            }
            if (seen.size() >= MOST_SEEN) {
                throw new UnprovenException("too much is asked at once");
            }
            if (seen.putIfAbsent(nonce, now) != null) {
                throw new UnprovenException("this was asked before");
            }
        }
    }

    private Optional<byte[]> proof(byte role, byte[] question, MemorySegment rest) {
        return key.map(known -> {
            try {
                Mac mac = Mac.getInstance(ALGORITHM);
                mac.init(new SecretKeySpec(known, ALGORITHM));
                mac.update(role);
                mac.update(Arrays.copyOf(question, HEAD_BYTES + MOST_MODEL_BYTES)); // of one length, whatever follows
                mac.update((byte) question.length);
                mac.update(rest.asByteBuffer());
                return mac.doFinal();
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException(e); // every Java has it
            }
        });
    }
}
