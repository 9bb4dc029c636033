package io.moetier.lab.calibrate;

import io.moetier.runtime.session.Sampler;
import io.moetier.runtime.session.SamplingParams;
import java.util.SplittableRandom;

/// What sampling a token takes.
final class SamplingTime {
    private static final int VOCABULARY = 1 << 15;
    private static final int DRAWS = 400;

    private SamplingTime() {}

    /// Returns the seconds for each token of the vocabulary.
    static double secondsPerLogit() {
        Sampler sampler = new Sampler(SamplingParams.DEFAULT, VOCABULARY, 1);
        SplittableRandom random = new SplittableRandom(0);
        float[] logits = new float[VOCABULARY];
        for (int i = 0; i < VOCABULARY; i++) {
            logits[i] = (float) random.nextGaussian();
        }
        Times times = new Times();
        for (int draw = 0; draw < DRAWS; draw++) {
            logits[random.nextInt(VOCABULARY)] = (float) random.nextGaussian();
            long start = System.nanoTime();
            sampler.accept(sampler.sample(logits));
            if (draw >= DRAWS / 2) {
                times.add(System.nanoTime() - start);
            }
        }
        return times.typicalSeconds() / VOCABULARY;
    }
}
