package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.metrics.RunStats;
import io.moetier.runtime.offload.PrefetchChoice;
import io.moetier.runtime.trace.Census;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What a run chose warms the start of the next.
class WarmStartTest {
    private static final Path STORE = ImportedStores.of(TestData.tinyMixtral());
    private static final int FIRST = 32;
    private static final int ALL = 192;
    /// Of 128 experts: fewer are soon filled from nothing, and all of them never need to be.
    private static final int SLOTS = 112;
    private static final double ENOUGH = 0.9;

    @TempDir
    Path directory;

    /// Hits and choices of the first tokens and of those after, and what was chosen.
    private record Run(RunStats first, RunStats steady, Census census) {
        static Run of(EngineConfig config, long seed, List<Census> earlier) {
            try (Engine engine = Engine.open(STORE, config);
                    Session session = engine.newSession()) {
                CensusTally tally = new CensusTally(engine.spec());
                session.listen(tally);
                earlier.forEach(engine::warm);
                RunStats before = engine.stats();
                Random random = new Random(seed);
                int token = draw(session, 1, FIRST, random);
                RunStats first = engine.stats();
                draw(session, token, ALL - FIRST, random);
                assertEquals(ALL, tally.tokens());
                return new Run(first.minus(before), engine.stats().minus(first), tally.census());
            }
        }
    }

    @Test
    void aPassThatIsGivenUpCountsNothing() {
        int[] text = {1, 2, 3};
        try (Engine engine = Engine.open(STORE, EngineConfig.DEFAULT.withRamBytes(SLOTS * slotBytes()));
                Session session = engine.newSession()) {
            CensusTally tally = new CensusTally(engine.spec());
            session.listen(tally);
            int[] asked = {0};
            assertFalse(session.prefill(text, () -> asked[0]++ == 2)); // behind two layers
            assertEquals(0, tally.tokens());
            session.prefill(text);
            assertEquals(text.length, tally.tokens());
            int perToken = engine.spec().mostExpertsPerToken();
            tally.census()
                    .shares()
                    .values()
                    .forEach(
                            layer -> assertEquals(perToken, Arrays.stream(layer).sum(), 1e-9));
        }
    }

    /// Texts differ in how well they hit, so four of them are taken together, none of which the census knows.
    @ParameterizedTest
    @ValueSource(strings = {"lru", "tinylfu", "gate"})
    void theSecondRunNearlyStartsWithItsSteadyHitRate(String policy) {
        EngineConfig config = EngineConfig.DEFAULT
                .withPolicy(policy, Optional.empty())
                .withPrefetch(PrefetchChoice.OFF)
                .withRamBytes(SLOTS * slotBytes());
        double cold = firstOverSteady(config, List.of());
        double warm =
                firstOverSteady(config, List.of(Run.of(config, 1, List.of()).census()));
        assertTrue(cold < ENOUGH, () -> "cold: " + cold);
        assertTrue(warm >= ENOUGH, () -> "warm: " + warm);
    }

    @Test
    void warmingChangesNoLogits() {
        Census census = Run.of(EngineConfig.DEFAULT, 1, List.of()).census();
        assertArrayEquals(logits(List.of()), logits(List.of(census)));
    }

    @Test
    void warmingComesBeforeTheFirstStep() {
        Census census = Run.of(EngineConfig.DEFAULT, 1, List.of()).census();
        try (Engine engine = Engine.open(STORE, EngineConfig.DEFAULT);
                Session session = engine.newSession()) {
            session.decode(1);
            assertThrows(IllegalStateException.class, () -> engine.warm(census));
        }
    }

    /// What was learnt changes what stays, and no bit of a logit.
    @Test
    void whatWasLearntIsTakenUpAndChangesNoLogits() throws IOException {
        EngineConfig config = EngineConfig.DEFAULT.withRamBytes(12 * slotBytes());
        float[] expected = logits(List.of());
        Path file = directory.resolve("learnt");
        for (int run = 0; run < 2; run++) {
            try (Engine engine = Engine.open(STORE, config);
                    Session session = engine.newSession()) {
                if (run > 0) {
                    engine.takeUpLearnt(file);
                }
                assertEquals(run * 7L, engine.learntTokens());
                session.prefill(new int[] {1, 1412, 344, 938, 263, 683});
                session.decode(575);
                assertArrayEquals(expected, session.logits());
                engine.keepLearnt(file, 7);
                engine.takeUpLearnt(file); // as it can be between any two steps
                session.truncate(6);
                session.decode(575);
                assertArrayEquals(expected, session.logits());
            }
        }
    }

    @Test
    void aPolicyThatLearnsNothingKeepsNothing() throws IOException {
        EngineConfig config =
                EngineConfig.DEFAULT.withRamBytes(12 * slotBytes()).withPolicy("lru", Optional.empty());
        Path file = directory.resolve("learnt");
        try (Engine engine = Engine.open(STORE, config);
                Session session = engine.newSession()) {
            session.decode(1);
            engine.keepLearnt(file, 1);
            assertFalse(Files.exists(file));
        }
    }

    private static double firstOverSteady(EngineConfig config, List<Census> earlier) {
        double[] hits = new double[2];
        double[] choices = new double[2];
        for (int seed = 2; seed < 6; seed++) {
            Run run = Run.of(config, seed, earlier);
            hits[0] += run.first().expertHits();
            choices[0] += run.first().expertHits() + run.first().expertMisses();
            hits[1] += run.steady().expertHits();
            choices[1] += run.steady().expertHits() + run.steady().expertMisses();
        }
        return hits[0] / choices[0] / (hits[1] / choices[1]);
    }

    private static float[] logits(List<Census> earlier) {
        try (Engine engine = Engine.open(STORE, EngineConfig.DEFAULT.withRamBytes(12 * slotBytes()));
                Session session = engine.newSession()) {
            earlier.forEach(engine::warm);
            session.prefill(new int[] {1, 1412, 344, 938, 263, 683});
            session.decode(575);
            return session.logits().clone();
        }
    }

    /// Appends `token` and `count - 1` more, each drawn from the model's distribution, and returns the next.
    private static int draw(Session session, int token, int count, Random random) {
        int next = token;
        for (int i = 0; i < count; i++) {
            session.decode(next);
            float[] logits = session.logits();
            double most = Double.NEGATIVE_INFINITY;
            for (int id = 0; id < logits.length; id++) {
                double score = logits[id] - Math.log(-Math.log(random.nextDouble())); // Gumbel's trick
                next = score > most ? id : next;
                most = Math.max(most, score);
            }
        }
        return next;
    }

    private static long slotBytes() {
        try (Engine engine = Engine.open(STORE, EngineConfig.DEFAULT)) {
            return engine.expertTiers().residentSummary().slotBytes();
        }
    }
}
