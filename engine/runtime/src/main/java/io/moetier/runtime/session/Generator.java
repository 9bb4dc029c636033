package io.moetier.runtime.session;

import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.IntPredicate;

/// Continues a session: samples a token, hands it out, decodes it, until something says stop.
public final class Generator {
    private final Session session;
    private final Sampler sampler;
    private final Set<Integer> endOfSequence;

    /// @param endOfSequence tokens that end the answer; empty to ignore them
    public Generator(Session session, Sampler sampler, Set<Integer> endOfSequence) {
        this.session = session;
        this.sampler = sampler;
        this.endOfSequence = endOfSequence;
    }

    /// Why an answer ended.
    public enum StopReason {
        END_OF_SEQUENCE,
        MAX_TOKENS,
        CONTEXT_FULL,
        STOP_STRING,
        CANCELLED
    }

    /// What a run did.
    ///
    /// @param promptTokens tokens of the prompt that were computed
    /// @param promptNanos time until the first token was known
    /// @param generatedTokens tokens of the answer
    /// @param decodeNanos time from the first token to the last
    public record Outcome(
            StopReason reason, int promptTokens, long promptNanos, int generatedTokens, long decodeNanos) {
        /// Returns prompt tokens per second.
        public double promptTokensPerSecond() {
            return perSecond(promptTokens, promptNanos);
        }

        /// Returns tokens per second after the first one, which belongs to the prompt.
        public double decodeTokensPerSecond() {
            return perSecond(Math.max(0, generatedTokens - 1), decodeNanos);
        }

        private static double perSecond(int count, long nanos) {
            return nanos == 0 ? 0 : count * 1e9 / nanos;
        }
    }

    /// Appends `prompt` to the session and generates at most `maxTokens` tokens, without limit if negative.
    ///
    /// @param onToken is handed each token as it is known and says whether to go on; the end-of-sequence token
    ///     is not handed out
    /// @param cancelled is asked before each layer and before each step; a prompt that is given up leaves the
    ///     session as it was
    public Outcome run(int[] prompt, int maxTokens, IntPredicate onToken, BooleanSupplier cancelled) {
        long start = System.nanoTime();
        boolean prefilled = session.prompt(prompt, cancelled);
        long promptNanos = System.nanoTime() - start;
        if (!prefilled) {
            return new Outcome(StopReason.CANCELLED, 0, promptNanos, 0, 0);
        }
        for (int token : prompt) {
            sampler.accept(token);
        }
        int generated = 0;
        StopReason reason = StopReason.MAX_TOKENS;
        while (generated != maxTokens) {
            if (cancelled.getAsBoolean()) {
                reason = StopReason.CANCELLED;
                break;
            }
            int token = sample();
            if (endOfSequence.contains(token)) {
                reason = StopReason.END_OF_SEQUENCE;
                break;
            }
            generated++;
            sampler.accept(token);
            if (!onToken.test(token)) {
                reason = StopReason.STOP_STRING;
                break;
            }
            if (generated == maxTokens) {
                break;
            }
            if (session.position() == session.capacity()) {
                reason = StopReason.CONTEXT_FULL;
                break;
            }
            if (!session.decode(token, cancelled)) {
                reason = StopReason.CANCELLED;
                break;
            }
        }
        long decodeNanos = System.nanoTime() - start - promptNanos;
        return new Outcome(reason, prompt.length, promptNanos, generated, decodeNanos);
    }

    private int sample() {
        int candidates = sampler.numCandidates();
        return candidates == 0 ? sampler.sample(session.logits()) : sampler.sample(session.largestLogits(candidates));
    }
}
