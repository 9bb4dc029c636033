package io.moetier.bench;

import io.moetier.runtime.session.Sampler;
import io.moetier.runtime.session.SamplingParams;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/// Drawing a token from the logits of a whole vocabulary.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class SamplerBenchmark {
    private static final long SEED = 7;
    private static final double SPREAD = 3;

    @Param({"32000", "151936"})
    int vocabulary = 32_000;

    @Param({"true", "false"})
    boolean greedy;

    private float[] logits = new float[0];
    private Sampler sampler;

    /// Draws logits.
    @Setup(Level.Trial)
    public void fill() {
        Random random = new Random(SEED);
        logits = new float[vocabulary];
        for (int i = 0; i < vocabulary; i++) {
            logits[i] = (float) (SPREAD * random.nextGaussian());
        }
        sampler = new Sampler(greedy ? SamplingParams.GREEDY : SamplingParams.DEFAULT, vocabulary, 1);
    }

    /// Draws a token.
    @Benchmark
    public int sample() {
        return sampler.sample(logits);
    }
}
