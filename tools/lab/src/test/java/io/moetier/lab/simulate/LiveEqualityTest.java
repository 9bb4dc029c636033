package io.moetier.lab.simulate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.convert.CheckpointImporter;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.metrics.RunStats;
import io.moetier.runtime.offload.PrefetchChoice;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.Session;
import io.moetier.runtime.session.SessionTrace;
import io.moetier.runtime.trace.RoutingTrace;
import io.moetier.runtime.trace.TraceReader;
import io.moetier.runtime.trace.TraceRecorder;
import io.moetier.storage.cache.Policies;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.IntToLongFunction;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What a run counts, the simulator counts for the run's own trace, to the last hit.
class LiveEqualityTest {
    private static final int SLOTS = 20;

    @TempDir
    static Path directory = Path.of("");

    private static Path store = Path.of("");
    private static Path census = Path.of("");

    @BeforeAll
    static void importModel() throws IOException {
        store = directory.resolve("tiny.mtier");
        try (ModelSource source = ModelSource.open(TestData.tinyMixtral())) {
            new CheckpointImporter(source, Quantisation.KEEP).run(store, false, bytes -> {});
        }
        census = directory.resolve("census.jsonl.gz");
        live(EngineConfig.DEFAULT, census);
    }

    static List<String> policies() {
        return Policies.names();
    }

    @ParameterizedTest
    @MethodSource("policies")
    void everyHitIsForeseen(String policy) {
        Path trace = directory.resolve(policy.replace(':', '-') + ".jsonl.gz");
        Optional<Path> counts = Policies.needsCensus(policy) ? Optional.of(census) : Optional.empty();
        long slotBytes;
        try (Engine engine = Engine.open(store, EngineConfig.DEFAULT)) {
            slotBytes = engine.expertTiers().residentSummary().slotBytes();
        }
        EngineConfig config = EngineConfig.DEFAULT
                .withPolicy(policy, counts)
                .withPrefetch(PrefetchChoice.OFF) // what loads ahead find depends on time
                .withRamBytes(SLOTS * slotBytes);
        RunStats live = live(config, trace);
        IntToLongFunction counted = RoutingTrace.read(census).censusById();
        Outcome simulated;
        try (TraceReader reader = TraceReader.open(trace)) {
            SlotPlan.Sizes sizes = SlotPlan.Sizes.uniform(reader.header().layers(), slotBytes);
            simulated = new Simulator(Admission.LAYER, 1, 1)
                    .run(
                            reader,
                            sizes,
                            MissDivision.BROUGHT_IN,
                            List.of(new Contender(policy, Optional.of(Policies.of(policy, counted)))),
                            List.of(new SlotPlan("", List.of(SLOTS))))
                    .getFirst();
            assertEquals((double) live.diskBytes(), simulated.bytesPerToken(sizes) * simulated.tokens(), 0.5);
        }
        assertTrue(live.evictions() > 0);
        assertEquals(live.expertHits(), simulated.hits());
        assertEquals(live.expertMisses(), simulated.misses());
    }

    /// Two requests, each a prompt that is computed in one step, a second one behind it, and tokens one by one.
    private static RunStats live(EngineConfig config, Path trace) {
        try (Engine engine = Engine.open(store, config)) {
            SessionTrace listener;
            try (TraceRecorder recorder = new TraceRecorder(trace, SessionTrace.header("tiny", engine.spec(), ""))) {
                listener = new SessionTrace(recorder, engine.spec());
                for (int request = 0; request < 2; request++) {
                    answer(engine, listener, request);
                    listener.nextRequest();
                }
                recorder.finish();
            }
            return engine.stats();
        }
    }

    private static void answer(Engine engine, SessionTrace listener, int request) {
        try (Session session = engine.newSession()) {
            session.listen(listener);
            session.prefill(tokens(17, 31 + request));
            session.prefill(tokens(3, 57 + request));
            for (int token : tokens(40, 101 + request)) {
                session.decode(token);
            }
        }
    }

    private static int[] tokens(int n, int seed) {
        int[] tokens = new int[n];
        for (int i = 0; i < n; i++) {
            tokens[i] = (seed * (i + 7)) % 500;
        }
        return tokens;
    }
}
