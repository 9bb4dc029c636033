package io.moetier.bench;

import io.moetier.lab.simulate.Admission;
import io.moetier.lab.simulate.Contender;
import io.moetier.lab.simulate.MissDivision;
import io.moetier.lab.simulate.Outcome;
import io.moetier.lab.simulate.Simulator;
import io.moetier.lab.simulate.SlotPlan;
import io.moetier.runtime.trace.TraceReader;
import io.moetier.storage.cache.Policies;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/// The simulator on one thread, from the compressed file to the counts, with a quarter of the experts in slots.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(1)
public class ReplayBenchmark {
    @Param("test-data/traces/gpt-oss-20b_misc_small.jsonl.gz")
    String trace = "";

    @Param({"lru", "lfu", Contender.CLAIRVOYANT})
    String policy = "lru";

    @Param({"LAYER", "SEQUENTIAL"})
    Admission admission = Admission.LAYER;

    /// What a replay took in.
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.OPERATIONS)
    public static class Replayed {
        /// Experts that were looked up.
        public long accesses;
    }

    /// Replays the trace once.
    @Benchmark
    public Outcome replay(Replayed replayed) {
        Contender contender = policy.equals(Contender.CLAIRVOYANT)
                ? Contender.clairvoyant()
                : new Contender(policy, Optional.of(Policies.of(policy)));
        try (TraceReader reader = TraceReader.open(Path.of(trace))) {
            int layers = reader.header().layers();
            int slots = layers * reader.header().experts() / 4;
            Outcome outcome = new Simulator(admission, 1, 1)
                    .run(
                            reader,
                            SlotPlan.Sizes.uniform(layers, 1),
                            MissDivision.BROUGHT_IN,
                            List.of(contender),
                            List.of(new SlotPlan("25%", List.of(slots))))
                    .getFirst();
            replayed.accesses += outcome.hits() + outcome.misses();
            return outcome;
        }
    }
}
