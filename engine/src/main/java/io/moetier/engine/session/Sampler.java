package io.moetier.engine.session;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/// Draws the next token from logits: repetition penalty, top-k, top-p, min-p, temperature, in llama.cpp's order.
///
/// The same parameters and the same logits give the same tokens. Ties go to the lower token id. Confined to one
/// thread.
public final class Sampler {
    private static final String GENERATOR = "L64X128MixRandom";

    private final SamplingParams params;
    private final RandomGenerator random;
    private final float[] penalised;
    private final long[] candidates;
    private final double[] probabilities;
    private final int[] recent;
    private int numRecent;

    /// @param contextLength how many tokens a whole context can hold
    public Sampler(SamplingParams params, int vocabSize, int contextLength) {
        this.params = params;
        random = RandomGeneratorFactory.of(GENERATOR).create(params.seed());
        penalised = new float[vocabSize];
        candidates = new long[vocabSize];
        probabilities = new double[vocabSize];
        recent = new int[params.repeatLastN() < 0 ? contextLength : params.repeatLastN()];
    }

    /// Remembers a token of the prompt or of the answer for the repetition penalty.
    public void accept(int token) {
        if (recent.length > 0) {
            recent[numRecent++ % recent.length] = token;
        }
    }

    /// Returns the next token.
    ///
    /// @param logits [vocabSize], left as they are
    /// @throws IllegalStateException if one is NaN, or none is finite
    public int sample(float[] logits) {
        requireNumbers(logits);
        System.arraycopy(logits, 0, penalised, 0, penalised.length);
        penaliseRepetition(logits);
        if (params.temperature() == 0) {
            return argmax(penalised);
        }
        return draw(keepMinP(keepTopP(keepTopK())));
    }

    private static void requireNumbers(float[] logits) {
        float max = Float.NEGATIVE_INFINITY;
        for (float logit : logits) {
            max = Math.max(max, logit); // NaN if either is
        }
        if (!Float.isFinite(max)) {
            throw new IllegalStateException("the model computed logits that are not numbers");
        }
    }

    private static int argmax(float[] values) {
        int best = 0;
        for (int i = 1; i < values.length; i++) {
            if (values[i] > values[best]) {
                best = i;
            }
        }
        return best;
    }

    private void penaliseRepetition(float[] logits) {
        if (params.repeatPenalty() == 1) {
            return;
        }
        for (int i = 0; i < Math.min(numRecent, recent.length); i++) {
            int token = recent[i]; // may come up twice; the penalty is applied to the original logit, so once
            penalised[token] = (float)
                    (logits[token] > 0
                            ? logits[token] / params.repeatPenalty()
                            : logits[token] * params.repeatPenalty());
        }
    }

    /// Sorts the most probable tokens to the front of `candidates` and returns how many stay.
    private int keepTopK() {
        for (int token = 0; token < penalised.length; token++) {
            candidates[token] = sortKey(penalised[token], token);
        }
        int k = params.topK() == 0 ? candidates.length : Math.min(params.topK(), candidates.length);
        selectFirst(k);
        Arrays.sort(candidates, 0, k);
        return k;
    }

    /// Quickselect: moves the `k` smallest keys to the front, in any order.
    private void selectFirst(int k) {
        int low = 0;
        int high = candidates.length - 1;
        while (low < high) {
            long pivot = candidates[(low + high) >>> 1];
            int i = low;
            int j = high;
            while (i <= j) {
                while (candidates[i] < pivot) {
                    i++;
                }
                while (candidates[j] > pivot) {
                    j--;
                }
                if (i <= j) {
                    long swapped = candidates[i];
                    candidates[i++] = candidates[j];
                    candidates[j--] = swapped;
                }
            }
            if (k - 1 <= j) {
                high = j;
            } else if (k - 1 >= i) {
                low = i;
            } else {
                return;
            }
        }
    }

    private int keepTopP(int count) {
        softmax(count, 1);
        double mass = 0;
        for (int i = 0; i < count; i++) {
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

    private int draw(int count) {
        softmax(count, params.temperature());
        double at = random.nextDouble();
        for (int i = 0; i < count; i++) {
            at -= probabilities[i];
            if (at < 0) {
                return tokenOf(candidates[i]);
            }
        }
        return tokenOf(candidates[count - 1]);
    }

    private void softmax(int count, double temperature) {
        double max = logit(candidates[0]);
        double sum = 0;
        for (int i = 0; i < count; i++) {
            probabilities[i] = Math.exp((logit(candidates[i]) - max) / temperature);
            sum += probabilities[i];
        }
        for (int i = 0; i < count; i++) {
            probabilities[i] /= sum;
        }
    }

    private float logit(long key) {
        return penalised[tokenOf(key)];
    }

    /// Orders by falling logit, then rising token id.
    private static long sortKey(float logit, int token) {
        int bits = Float.floatToIntBits(logit);
        int ascending = bits ^ (bits >> 31 & Integer.MAX_VALUE);
        return (long) ~ascending << 32 | token;
    }

    private static int tokenOf(long key) {
        return (int) key;
    }
}
