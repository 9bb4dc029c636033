package io.moetier.lab.simulate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.trace.TraceHeader;
import io.moetier.runtime.trace.TraceReader;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.TestData;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class SimulatorTest {
    private static final List<Integer> SLOTS = List.of(1, 2, 3, 5, 9, 17, 18);

    @TempDir
    Path directory;

    /// The same code gives the reference figures of the whole traces (test-data/traces/README.md) to three digits.
    @ParameterizedTest
    @CsvSource({
        "gpt-oss-20b_misc_small, SEQUENTIAL, 96, 0.3758, 0.4073, 0.6430",
        "gpt-oss-20b_misc_small, SEQUENTIAL, 192, 0.6231, 0.6498, 0.8393",
        "gpt-oss-20b_misc_small, SEQUENTIAL, 384, 0.9318, 0.9148, 0.9716",
        "gpt-oss-20b_misc_small, LAYER, 96, 0.4692, 0.3992, 0.6431",
        "gpt-oss-20b_misc_small, LAYER, 192, 0.6243, 0.6454, 0.8392",
        "deepseek-v2-lite_esft-translation_small, SEQUENTIAL, 208, 0.2640, 0.4560, 0.6121",
        "deepseek-v2-lite_esft-translation_small, SEQUENTIAL, 416, 0.5919, 0.6569, 0.8003",
        "deepseek-v2-lite_esft-translation_small, LAYER, 416, 0.5923, 0.6549, 0.8004",
    })
    void hitsAsOftenAsTheReference(
            String trace, Admission admission, int slots, double lru, double lfu, double optimum) {
        List<Outcome> outcomes = run(
                TestData.trace(trace),
                new Simulator(admission, 1, 2),
                contenders("lru", "lfu", Contender.CLAIRVOYANT),
                List.of(slots));
        assertEquals(lru, outcomes.get(0).hitRate(), 0.00005);
        assertEquals(lfu, outcomes.get(1).hitRate(), 0.00005);
        assertEquals(optimum, outcomes.get(2).hitRate(), 0.00005);
        assertEquals(
                1, outcomes.get(2).gapClosed(outcomes.get(0), outcomes.get(2)).orElseThrow());
        assertEquals(
                0, outcomes.get(0).gapClosed(outcomes.get(0), outcomes.get(2)).orElseThrow());
    }

    /// Tokens to warm up are seen by the caches, and counted are the others.
    @ParameterizedTest
    @EnumSource
    void whatFillsTheCachesNeedNotCount(Admission admission) {
        Path trace = TestData.trace("gpt-oss-20b_misc_small");
        Outcome all = run(trace, new Simulator(admission, 1, 1), contenders("lru"), List.of(384))
                .getFirst();
        Outcome later = run(trace, new Simulator(admission, 1, 461, 1), contenders("lru"), List.of(384))
                .getFirst();
        Outcome none = run(trace, new Simulator(admission, 1, 1461, 1), contenders("lru"), List.of(384))
                .getFirst();
        assertEquals(1461, all.tokens());
        assertEquals(1000, later.tokens());
        assertEquals(1000L * 24 * 4, later.hits() + later.misses());
        assertTrue(later.hitRate() > all.hitRate(), "an empty cache misses more");
        assertEquals(0, none.tokens() + none.hits() + none.misses());
    }

    @ParameterizedTest
    @EnumSource
    void noPolicyBeatsTheOptimum(Admission admission) {
        for (int seed = 0; seed < 40; seed++) {
            Path trace = RandomTraces.write(directory.resolve("t"), seed, 60);
            Simulator simulator =
                    new Simulator(admission, 1, seed % 2 == 0 ? 0 : 57, 1); // what fills the caches counts for none
            List<Outcome> outcomes = run(trace, simulator, all(), SLOTS);
            int each = outcomes.size() / SLOTS.size();
            for (int i = 0; i < outcomes.size(); i++) {
                Outcome outcome = outcomes.get(i);
                Outcome optimum = outcomes.get(i - i % each + each - 1);
                assertEquals(Contender.CLAIRVOYANT, optimum.policy());
                assertEquals(optimum.hits() + optimum.misses(), outcome.hits() + outcome.misses());
                assertTrue(outcome.hits() <= optimum.hits(), () -> outcome + " beats " + optimum);
            }
        }
    }

    @Test
    void whatFitsMissesOnce() {
        Path trace = RandomTraces.write(directory.resolve("t"), 5, 200);
        for (Outcome outcome : run(trace, new Simulator(Admission.LAYER, 1, 1), all(), List.of(18))) {
            assertEquals(18, outcome.misses(), outcome::policy);
            assertEquals(1, outcome.gapClosed(outcome, outcome).orElseThrow());
        }
    }

    @ParameterizedTest
    @EnumSource
    void threadsChangeNothing(Admission admission) {
        Path trace = TestData.trace("gpt-oss-20b_misc_small");
        List<Contender> contenders = contenders("lru", "tinylfu", Contender.CLAIRVOYANT);
        List<Integer> slots = List.of(48, 96, 192);
        List<String> alone = figures(run(trace, new Simulator(admission, 1, 1), contenders, slots));
        assertEquals(alone, figures(run(trace, new Simulator(admission, 1, 3), contenders, slots)));
        assertEquals(alone, figures(run(trace, new Simulator(admission, 1, 1), contenders, slots)));
    }

    @Test
    void tokensThatAreComputedTogetherNeedAnExpertOnce() {
        Path trace = TestData.trace("deepseek-v2-lite_esft-translation_small");
        List<Contender> lru = contenders("lru");
        Outcome one = run(trace, new Simulator(Admission.LAYER, 1, 1), lru, List.of(416))
                .getFirst();
        Outcome many = run(trace, new Simulator(Admission.LAYER, 64, 1), lru, List.of(416))
                .getFirst();
        assertEquals(1441L * 26 * 6, one.hits() + one.misses());
        assertEquals(1441, many.tokens());
        // of 64 experts, 64 tokens of the same text choose most
        assertTrue(many.hits() + many.misses() < (one.hits() + one.misses()) / 4);
    }

    private static List<Contender> contenders(String... names) {
        return Stream.of(names)
                .map(name -> name.equals(Contender.CLAIRVOYANT)
                        ? Contender.clairvoyant()
                        : new Contender(name, Optional.of(Policies.of(name))))
                .toList();
    }

    /// What `gate` knows of the first half serves in the second; others begin anew.
    @Test
    void policiesThatLearnGoOnAfterAnEarlierTrace() throws IOException {
        List<Path> halves = halves(TestData.trace("gpt-oss-20b_misc_small"));
        List<Contender> contenders = contenders("gate", "lru", Contender.CLAIRVOYANT);
        Simulator simulator = new Simulator(Admission.LAYER, 1, 1);
        List<Outcome> alone = run(List.of(), halves.get(1), simulator, contenders, List.of(192));
        List<Outcome> after = run(halves.subList(0, 1), halves.get(1), simulator, contenders, List.of(192));
        assertTrue(after.get(0).hits() > alone.get(0).hits() + 200, figures(alone) + " then " + figures(after));
        assertEquals(figures(alone).subList(1, 3), figures(after).subList(1, 3));
        Simulator threads = new Simulator(Admission.LAYER, 1, 3);
        assertEquals(
                figures(after), figures(run(halves.subList(0, 1), halves.get(1), threads, contenders, List.of(192))));
    }

    @Test
    void anEarlierTraceIsOneOfTheSameModel() {
        Path gptOss = TestData.trace("gpt-oss-20b_misc_small");
        Path deepSeek = TestData.trace("deepseek-v2-lite_esft-translation_small");
        MalformedModelException refused = assertThrows(
                MalformedModelException.class,
                () -> run(
                        List.of(deepSeek),
                        gptOss,
                        new Simulator(Admission.LAYER, 1, 1),
                        contenders("gate"),
                        List.of(192)));
        assertEquals(
                deepSeek + ": experts: expected 24 layers of 32, as the trace that is counted has, found 26 of 64",
                refused.getMessage());
    }

    /// The header says how many tokens there are.
    private List<Path> halves(Path trace) throws IOException {
        List<String> lines;
        try (BufferedReader reader = new BufferedReader(
                new InputStreamReader(new GZIPInputStream(Files.newInputStream(trace)), StandardCharsets.UTF_8))) {
            lines = reader.lines().toList();
        }
        int numTokens = lines.size() - 1;
        List<Path> halves = new ArrayList<>();
        for (int half = 0; half < 2; half++) {
            List<String> tokens = lines.subList(1 + half * numTokens / 2, 1 + (half + 1) * numTokens / 2);
            List<String> all = new ArrayList<>(tokens);
            all.addFirst(lines.getFirst()
                    .replaceFirst("\"tokens\": ?\\d+", "\"tokens\":" + tokens.size())
                    .replaceFirst("\"requests\": ?\\d+", "\"requests\":1000"));
            Path file = directory.resolve(half + ".jsonl.gz");
            try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
                out.write((String.join("\n", all) + "\n").getBytes(StandardCharsets.UTF_8));
            }
            halves.add(file);
        }
        return halves;
    }

    /// Returns every policy, and the optimum last.
    private static List<Contender> all() {
        List<Contender> contenders = new ArrayList<>();
        for (String name : Policies.names()) {
            contenders.add(new Contender(name, Optional.of(Policies.of(name, id -> id % 7))));
        }
        contenders.add(Contender.clairvoyant());
        return contenders;
    }

    private static List<String> figures(List<Outcome> outcomes) {
        return outcomes.stream()
                .map(outcome -> outcome.policy() + " " + outcome.plan().spelling() + " " + outcome.hits() + " "
                        + outcome.misses())
                .toList();
    }

    private static List<Outcome> run(Path trace, Simulator simulator, List<Contender> contenders, List<Integer> slots) {
        return run(List.of(), trace, simulator, contenders, slots);
    }

    private static List<Outcome> run(
            List<Path> earlier, Path trace, Simulator simulator, List<Contender> contenders, List<Integer> slots) {
        try (TraceReader reader = TraceReader.open(trace)) {
            TraceHeader header = reader.header();
            List<SlotPlan> plans = slots.stream()
                    .map(count -> new SlotPlan(count.toString(), List.of(count)))
                    .toList();
            return simulator.run(
                    earlier,
                    reader,
                    SlotPlan.Sizes.uniform(header.layers(), 1),
                    MissDivision.BROUGHT_IN,
                    contenders,
                    plans);
        }
    }
}
