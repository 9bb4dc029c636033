package io.moetier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.Caching.Prefetch;
import io.moetier.Caching.Reading;
import io.moetier.testdata.TestData;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Which experts leave, and how others come, is up to the embedder and changes no answer.
class EvictionTest {
    private static final Path MODEL = TestData.tinyMixtral();
    private static final AnswerSettings GREEDY =
            AnswerSettings.DEFAULT.withSampling(Sampling.GREEDY).withMaxTokens(8);
    private static final String PROMPT = "Once upon a time";
    private static final long[] BUDGETS = {1 << 20, 3 << 20};

    @TempDir
    static Path cache = Path.of("");

    private static Computed expected = new Computed(List.of(), new int[0]);

    /// The tokens of an answer, and the bits of the logits after its prompt.
    @SuppressWarnings("ArrayRecordComponent") // compared by hand
    private record Computed(List<Integer> tokens, int[] bits) {
        static Computed by(Model model) {
            float[] logits = model.logits(model.encode(PROMPT));
            int[] bits = IntStream.range(0, logits.length)
                    .map(i -> Float.floatToRawIntBits(logits[i]))
                    .toArray();
            try (Completion completion = model.completion(GREEDY)) {
                return new Computed(completion.complete(PROMPT).tokenIds(), bits);
            }
        }

        void assertSameAs(Computed other) {
            assertEquals(other.tokens, tokens);
            assertArrayEquals(other.bits, bits);
        }
    }

    @BeforeAll
    static void computeInPlentyOfMemory() {
        try (Model model = Model.open(MODEL, options())) {
            expected = Computed.by(model);
        }
    }

    private static ModelOptions options() {
        return ModelOptions.DEFAULT.withCache(cache).withThreads(1);
    }

    private static void assertSameAnswers(ModelOptions options) {
        for (long bytes : BUDGETS) {
            try (Model model = Model.open(MODEL, options.withMemoryBytes(bytes))) {
                Computed.by(model).assertSameAs(expected);
                TierReport memory = model.tiers().getFirst();
                assertTrue(memory.slots() < memory.experts(), memory::toString);
            }
        }
    }

    static Stream<String> policies() {
        return Stream.of("lru", "lfu", "lfu-decay", "lfru", "slru", "tinylfu", "gate")
                .flatMap(name -> Stream.of(name, "layer:" + name));
    }

    @ParameterizedTest
    @MethodSource("policies")
    void everyPolicyGivesTheSameAnswers(String policy) {
        assertSameAnswers(options().withPolicy(policy));
    }

    @ParameterizedTest
    @EnumSource
    void everyWayOfLoadingAheadGivesTheSameAnswers(Prefetch prefetch) {
        assertSameAnswers(options().withPolicy(MostRecentlyUsed::new).withPrefetch(prefetch));
    }

    @ParameterizedTest
    @EnumSource
    void everyWayOfReadingGivesTheSameAnswers(Reading reading) {
        assertSameAnswers(options().withReading(reading));
    }

    @Test
    void anEmbeddersPolicyIsToldWhatHappensAndChooses() {
        List<MostRecentlyUsed> made = new ArrayList<>();
        ModelOptions options = options().withMemoryBytes(BUDGETS[1]).withPolicy(slots -> {
            made.add(new MostRecentlyUsed(slots));
            return made.getLast();
        });
        try (Model model = Model.open(MODEL, options);
                Completion completion = model.completion(GREEDY)) {
            Answer answer = completion.complete(PROMPT);
            assertEquals(expected.tokens, answer.tokenIds());
            assertEquals(1, made.size());
            MostRecentlyUsed policy = made.getFirst();
            assertEquals(
                    model.info().layers() * answer.report().generatedTokens(),
                    policy.numChoices,
                    "for the prompt and each token but the last");
            assertTrue(policy.numHits > 0);
            assertTrue(policy.numVictims > 0);
            assertEquals(model.tiers().getFirst().slots(), policy.slots().count());
            List<EvictionPolicy.Expert> experts = policy.slots().experts();
            assertEquals(model.info().experts(), experts.size());
            assertEquals(new EvictionPolicy.Expert(0, 1), experts.get(1));
        }
    }

    private static ModelOptions broken(String where, Throwable thrown) {
        return options()
                .withMemoryBytes(BUDGETS[0])
                .withPolicy(slots -> new Broken(new MostRecentlyUsed(slots), where, thrown));
    }

    static Stream<String> places() {
        return Stream.of("choice", "access", "entry", "exit", "victim");
    }

    @ParameterizedTest
    @MethodSource("places")
    void whatAPolicyThrowsEndsTheAnswerAndNothingElse(String where) {
        for (Throwable thrown : List.of(new IllegalArgumentException("no idea"), new AssertionError("never"))) {
            try (Model model = Model.open(MODEL, broken(where, thrown));
                    Completion completion = model.completion(GREEDY)) {
                assertSame(thrown, assertThrows(Throwable.class, () -> completion.complete(PROMPT)));
                assertEquals(expected.tokens, completion.complete(PROMPT).tokenIds());
                Computed.by(model).assertSameAs(expected);
            }
            try (Model model = Model.open(MODEL, broken(where, thrown))) {
                int[] prompt = model.encode(PROMPT);
                assertSame(thrown, assertThrows(Throwable.class, () -> model.logits(prompt)));
            }
        }
    }

    @Test
    void whatMayNotLeaveStays() {
        try (Model model = Model.open(MODEL, broken("wrong", new AssertionError()));
                Completion completion = model.completion(GREEDY)) {
            assertThrows(IllegalStateException.class, () -> completion.complete(PROMPT));
            assertEquals(expected.tokens, completion.complete(PROMPT).tokenIds());
        }
    }

    @Test
    void whatAFactoryThrowsComesBackFromOpening() {
        IllegalArgumentException thrown = new IllegalArgumentException("no policy today");
        ModelOptions options = options().withPolicy(slots -> {
            throw thrown;
        });
        assertSame(thrown, assertThrows(RuntimeException.class, () -> Model.open(MODEL, options)));
    }

    @Test
    void aCensusIsForTheStaticPolicyAloneAndOfTheModel() {
        Path census = TestData.root().resolve("traces/gpt-oss-20b_misc_small.jsonl.gz");
        for (Executable choice : List.<Executable>of(
                () -> options().withPolicy("static"), () -> options().withPolicy("lru", census))) {
            MoetierException failure = assertThrows(MoetierException.NotPossible.class, choice);
            assertTrue(String.valueOf(failure.getMessage()).startsWith("census: expected a routing trace"));
        }
        ModelOptions ofAnother = options().withPolicy("layer:static", census);
        MoetierException failure =
                assertThrows(MoetierException.MalformedModel.class, () -> Model.open(MODEL, ofAnother));
        assertTrue(String.valueOf(failure.getMessage()).startsWith(census + ": layer "), failure::toString);
    }
}
