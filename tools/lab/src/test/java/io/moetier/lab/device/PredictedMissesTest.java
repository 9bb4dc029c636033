package io.moetier.lab.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.emulator.driver.clock.GpuProfile;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.ActivationType;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.lab.device.simulated.SimulatedGpu;
import io.moetier.lab.simulate.Admission;
import io.moetier.lab.simulate.Contender;
import io.moetier.lab.simulate.ModelSizes;
import io.moetier.lab.simulate.Simulator;
import io.moetier.lab.simulate.SlotPlan;
import io.moetier.lab.simulate.Tuning;
import io.moetier.lab.synthetic.ModelShape;
import io.moetier.lab.synthetic.SyntheticModel;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.metrics.RunStats;
import io.moetier.runtime.offload.Misses;
import io.moetier.runtime.offload.PrefetchChoice;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.Session;
import io.moetier.runtime.session.SessionTrace;
import io.moetier.runtime.trace.TraceReader;
import io.moetier.runtime.trace.TraceRecorder;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.model.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What becomes of missing experts is predicted from a run's trace as the run itself had it on a simulated GPU.
class PredictedMissesTest {
    /// A prediction knows of speeds, and of one time for each layer. A copy takes 6 us to start beside the 67 us of an
    /// expert, each group of experts a launch, and the experts that arrive last are computed when all else is done.
    private static final double TOLERANCE = 0.15;

    /// The run learns at first what copies and the processor take, and a copy behind a layer may still be under way
    /// when the next one has ended.
    private static final double TOLERANCE_OF_COUNTS = 0.01;

    /// Who goes by the prediction may choose what takes so much longer than the best.
    private static final double NEARLY = 1.02;

    private static final ModelShape SHAPE = new ModelShape(4, 512, 8, 16, 4, 1024, 1024);
    private static final DType TYPE = DType.Q8_0;
    private static final long DENSE_BYTES = 5_357_000; // attention and router of four layers, and the head
    private static final int TOKENS = 100;
    private static final int CONTEXT = 128;
    private static final String GPU = "rtx3060";
    private static final Contender LRU = new Contender("lru", Optional.of(Policies.of("lru")));

    @TempDir
    static Path directory = Path.of("");

    private static Path store = Path.of("");

    /// What a run counted, and what it took.
    private record Run(RunStats stats, double secondsPerToken, long slotBytes) {}

    @BeforeAll
    static void makeStore() throws IOException {
        Path file = directory.resolve("model.gguf");
        SyntheticModel.write(file, SHAPE, TYPE, 0);
        store = directory.resolve("model.mtier");
        EmulatedEngines.writeStore(file, Quantisation.KEEP, store);
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 24, 48})
    void whatIsPredictedHappens(int slots) {
        Map<Misses, Double> predicted = new EnumMap<>(Misses.class);
        Map<Misses, Double> measured = new EnumMap<>(Misses.class);
        for (Misses misses : Misses.values()) {
            Path trace = directory.resolve(misses + ".jsonl.gz");
            Run run = run(slots, misses, trace);
            Tuning.Row row = predict(slots, misses, run.slotBytes(), trace);
            RunStats stats = run.stats();
            double accesses = (double) stats.expertHits() + stats.expertMisses();
            assertEquals(stats.expertHits() / accesses, row.hitRate(), TOLERANCE_OF_COUNTS, misses::toString);
            double copies = (double) stats.copiedBytes() / run.slotBytes();
            assertEquals(copies / TOKENS, row.copiesPerToken(), TOLERANCE_OF_COUNTS * accesses / TOKENS);
            predicted.put(misses, 1 / row.prediction().orElseThrow().tokensPerSecond());
            measured.put(misses, run.secondsPerToken());
        }
        for (Misses misses : Misses.values()) {
            double ratio = of(misses, predicted) / of(misses, measured);
            assertEquals(1, ratio, TOLERANCE, () -> misses + ": " + predicted + " " + measured);
        }
        double best = of(fastest(measured), measured);
        assertTrue(of(fastest(predicted), measured) < NEARLY * best, () -> predicted + " " + measured);
    }

    private static Misses fastest(Map<Misses, Double> seconds) {
        return Collections.min(seconds.entrySet(), Map.Entry.comparingByValue()).getKey();
    }

    private static double of(Misses misses, Map<Misses, Double> seconds) {
        return Objects.requireNonNull(seconds.get(misses));
    }

    private static Run run(int slots, Misses misses, Path trace) {
        SimulatedGpu gpu = new SimulatedGpu(
                GpuProfile.of(GPU).orElseThrow(), 1, KernelChoice.AUTO, Optional.empty(), ActivationType.F32);
        EngineConfig config = EngineConfig.DEFAULT
                .withContextLength(CONTEXT)
                .withDevice(gpu)
                .withPolicy(LRU.name(), Optional.empty())
                .withPrefetch(PrefetchChoice.OFF)
                .withMisses(misses);
        EngineConfig least = EmulatedEngines.least(store, config);
        long slotBytes;
        try (Engine engine = Engine.open(store, least)) {
            slotBytes = engine.expertTiers().residentSummary().slotBytes();
        }
        long minimum = least.memory().vramBytes().getFirst();
        try (Engine engine = Engine.open(
                        store, config.withVramBytes(minimum + (slots - SHAPE.expertsPerToken()) * slotBytes));
                TraceRecorder recorder = new TraceRecorder(trace, SessionTrace.header("", engine.spec(), ""));
                Session session = engine.newSession()) {
            assertEquals(slots, engine.expertTiers().residentSummary().slots().number());
            session.listen(new SessionTrace(recorder, engine.spec()));
            SplittableRandom random = new SplittableRandom(1);
            session.prefill(new int[] {1});
            RunStats before = engine.stats();
            double start = gpu.virtualNanos();
            for (int i = 0; i < TOKENS; i++) {
                session.decode(random.nextInt(SHAPE.vocabulary()));
            }
            recorder.finish();
            return new Run(engine.stats().minus(before), 1e-9 * (gpu.virtualNanos() - start) / TOKENS, slotBytes);
        }
    }

    private static Tuning.Row predict(int slots, Misses misses, long slotBytes, Path trace) {
        ModelSizes sizes =
                new ModelSizes(SlotPlan.Sizes.uniform(SHAPE.layers(), slotBytes), true, DENSE_BYTES, Optional.empty());
        Tuning.Question question = new Tuning.Question(
                List.of(LRU),
                List.of(new SlotPlan("", List.of(slots))),
                sizes,
                MachineProfile.ofDevice(GPU),
                misses,
                List.of());
        try (TraceReader reader = TraceReader.open(trace)) {
            return Tuning.of(reader, new Simulator(Admission.LAYER, 1, 1, 1), question, LRU)
                    .rows()
                    .getFirst();
        }
    }
}
