package io.moetier.runtime.session;

import io.moetier.kernels.device.Largest;
import io.moetier.storage.model.MalformedModelException;
import java.util.BitSet;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/// Draws the next token from logits: suppressed tokens, repetition penalty, top-k, top-p, min-p, temperature, in
/// llama.cpp's order.
///
/// The same parameters and the same logits give the same tokens. Ties go to the lower token id. Confined to one
/// thread.
public final class Sampler {
    private static final String GENERATOR = "L64X128MixRandom";

    private final SamplingParams params;
    private final RandomGenerator random;
    private final int vocabSize;
    private final int numKept; // by top-k; the vocabulary if it keeps all
    private final BitSet suppressed;
    private final int numLooked; // at, to keep as many beside those that are suppressed
    private final Largest largest = new Largest();
    private final float[] penalised;
    private final double[] probabilities;
    private final int[] recent;
    private int numRecent;

    /// @param contextLength how many tokens a whole context can hold
    public Sampler(SamplingParams params, int vocabSize, int contextLength) {
        this(params, vocabSize, contextLength, Set.of());
    }

    /// @param contextLength how many tokens a whole context can hold
    /// @param suppressed tokens that are never drawn
    public Sampler(SamplingParams params, int vocabSize, int contextLength, Set<Integer> suppressed) {
        this.params = params;
        this.vocabSize = vocabSize;
        random = RandomGeneratorFactory.of(GENERATOR).create(params.seed());
        numKept = params.temperature() == 0 ? 1 : params.topK() == 0 ? vocabSize : Math.min(params.topK(), vocabSize);
        this.suppressed = new BitSet();
        suppressed.forEach(this.suppressed::set);
        numLooked = (int) Math.min((long) numKept + suppressed.size(), vocabSize);
        penalised = new float[params.repeatPenalty() == 1 ? 0 : vocabSize];
        probabilities = new double[numKept];
        recent = new int[params.repeatLastN() < 0 ? contextLength : Math.min(params.repeatLastN(), contextLength)];
    }

    /// Remembers a token of the prompt or of the answer for the repetition penalty.
    public void accept(int token) {
        if (recent.length > 0) {
            recent[numRecent++ % recent.length] = token;
        }
    }

    /// Returns how many of the largest logits are enough for [#sample(Largest)]; 0 if all logits are needed.
    public int numCandidates() {
        return params.repeatPenalty() == 1 && numLooked <= Largest.MOST_OF_KERNELS ? numLooked : 0;
    }

    /// Returns the next token.
    ///
    /// @param logits [vocabSize], left as they are
    /// @throws MalformedModelException if one is NaN or infinitely large, or none is finite
    public int sample(float[] logits) {
        boolean asTheyAre = params.repeatPenalty() == 1 || numRecent == 0;
        largest.find(asTheyAre ? logits : penaliseRepetition(logits), 0, vocabSize, numLooked);
        return sample(largest);
    }

    /// Returns the next token.
    ///
    /// @param candidates the [#numCandidates()] largest logits, left as they are
    /// @throws MalformedModelException if one of all is NaN or infinitely large, or none is finite
    public int sample(Largest candidates) {
        if (candidates.size() == 0 || !Float.isFinite(candidates.value(0))) {
            throw new MalformedModelException(
                    "the model computed logits that are not numbers; its weights may be damaged");
        }
        return suppressed.isEmpty() ? choose(candidates) : chooseOthers(candidates);
    }

    private int chooseOthers(Largest candidates) {
        largest.take(candidates, suppressed, numKept);
        if (largest.size() == 0 || !Float.isFinite(largest.value(0))) {
            throw new MalformedModelException("suppress_tokens of the model names every token that could come next");
        }
        return choose(largest);
    }

    private int choose(Largest candidates) {
        if (params.temperature() == 0) {
            return candidates.index(0);
        }
        int count = keepMinP(keepTopP(candidates));
        return candidates.index(draw(candidates, count));
    }

    private float[] penaliseRepetition(float[] logits) {
        System.arraycopy(logits, 0, penalised, 0, vocabSize);
        for (int i = 0; i < Math.min(numRecent, recent.length); i++) {
            int token = recent[i]; // may come up twice; the penalty is applied to the original logit, so once
            penalised[token] = penalised(logits[token]);
        }
        return penalised;
    }

    /// What is finite stays so.
    private float penalised(float logit) {
        double less = logit > 0 ? logit / params.repeatPenalty() : logit * params.repeatPenalty();
        return Float.isFinite(logit) ? (float) Math.clamp(less, -Float.MAX_VALUE, Float.MAX_VALUE) : logit;
    }

    private int keepTopP(Largest candidates) {
        int count = candidates.size();
        softmax(candidates, count, 1);
        double mass = 0;
        for (int i = 0; i < count && params.topP() < 1; i++) { // the sum may be 1 before the last
            mass += probabilities[i];
            if (mass >= params.topP()) {
                return i + 1;
            }
        }
        return count;
    }

    private int keepMinP(int count) {
        double least = probabilities[0] * params.minP();
        int kept = count;
        while (kept > 1 && probabilities[kept - 1] < least) {
            kept--;
        }
        return kept;
    }

    private int draw(Largest candidates, int count) {
        softmax(candidates, count, params.temperature());
        double at = random.nextDouble();
        for (int i = 0; i < count; i++) {
            at -= probabilities[i];
            if (at < 0) {
                return i;
            }
        }
        return count - 1;
    }

    private void softmax(Largest candidates, int count, double temperature) {
        double max = candidates.value(0);
        double sum = 0;
        for (int i = 0; i < count; i++) {
            probabilities[i] = Math.exp((candidates.value(i) - max) / temperature);
            sum += probabilities[i];
        }
        for (int i = 0; i < count; i++) {
            probabilities[i] /= sum;
        }
    }
}
