package io.moetier.bench;

import io.moetier.storage.cache.ExpertCache;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.model.ExpertId;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/// Decisions and accesses of the expert cache without the loads: 48 layers of 128 experts, eight of them a
/// token and layer, the lower ones likelier. A miss takes a slot, from another expert once the cache is full.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class ExpertCacheBenchmark {
    private static final int NUM_LAYERS = 48;
    private static final int NUM_EXPERTS = 128;
    private static final int NUM_CHOSEN = 8;
    private static final int NUM_TOKENS = 256;
    private static final long SEED = 13;

    @Param({"lru", "lfu", "tinylfu", "static", "gate"})
    String policy = "lru";

    @Param({"1536", "4608"})
    int slots = 1536;

    private final int[][] choices = new int[NUM_TOKENS * NUM_LAYERS][];
    private final float[] weights = new float[NUM_CHOSEN];
    private ExpertCache cache;
    private int token;

    /// Chooses experts, and fills the cache.
    @Setup(Level.Trial)
    public void fill() {
        Random random = new Random(SEED);
        for (int decision = 0; decision < choices.length; decision++) {
            int layer = decision % NUM_LAYERS;
            choices[decision] = random.doubles(NUM_CHOSEN * NUM_EXPERTS)
                    .mapToInt(uniform -> ExpertId.pack(layer, (int) (NUM_EXPERTS * uniform * uniform)))
                    .distinct()
                    .limit(NUM_CHOSEN)
                    .toArray();
        }
        for (int i = 0; i < NUM_CHOSEN; i++) {
            weights[i] = 1f / (i + 1);
        }
        int[] ids = new int[NUM_LAYERS * NUM_EXPERTS];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = ExpertId.pack(i / NUM_EXPERTS, i % NUM_EXPERTS);
        }
        cache = new ExpertCache(
                ids,
                slots,
                Policies.of(policy, id -> NUM_EXPERTS - ExpertId.expertOf(id)).create(ids, slots));
        ProcessorTime time = new ProcessorTime();
        for (int i = 0; i < NUM_TOKENS; i++) {
            decisions(time);
        }
    }

    /// The processor time of a decision, which on a busy machine is less than the time that passes. JMH prints it for
    /// each iteration; in its summary it adds them up.
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.EVENTS)
    public static class ProcessorTime {
        private final ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        private long begin;
        private long decisions;

        /// Begins anew.
        @Setup(Level.Iteration)
        public void reset() {
            begin = threads.getCurrentThreadCpuTime();
            decisions = 0;
        }

        /// Returns nanoseconds of this thread for one decision.
        public double processor() {
            return (double) (threads.getCurrentThreadCpuTime() - begin) / decisions;
        }
    }

    /// The decisions of one token; the figure is for one of them.
    @Benchmark
    @OperationsPerInvocation(NUM_LAYERS)
    public int decisions(ProcessorTime time) {
        time.decisions += NUM_LAYERS;
        int sum = 0;
        for (int i = token * NUM_LAYERS; i < (token + 1) * NUM_LAYERS; i++) {
            cache.decide(choices[i], weights, NUM_CHOSEN);
            for (int id : choices[i]) {
                int slot = cache.access(id);
                if (slot < 0) {
                    slot = cache.reserve(id);
                    cache.unpin(slot);
                }
                sum += slot;
            }
        }
        token = (token + 1) % NUM_TOKENS;
        return sum;
    }
}
