package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.Largest;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.model.mixture.ExpertSelection;
import io.moetier.runtime.model.mixture.LossMeter;
import io.moetier.storage.format.Json;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class SessionTest {
    private static Engine engine;

    @BeforeAll
    static void open() {
        engine = Engine.open(ImportedStores.of(TestData.tinyMixtral()), EngineConfig.DEFAULT);
    }

    @AfterAll
    static void close() {
        engine.close();
    }

    static Stream<Arguments> quantisationsAndKernels() {
        return Stream.of(Quantisation.KEEP, Quantisation.Q8_0)
                .flatMap(quantisation ->
                        KernelChoice.present().stream().map(kernels -> Arguments.of(quantisation, kernels)));
    }

    @ParameterizedTest
    @MethodSource("quantisationsAndKernels")
    void decodingOneByOneGivesTheBitsOfAPrefill(Quantisation quantisation, KernelChoice kernels) {
        Path store = ImportedStores.of(TestData.tinyMixtral(), quantisation);
        try (Engine opened = Engine.open(store, EngineConfig.DEFAULT.withKernels(kernels))) {
            decodingOneByOneGivesTheBitsOfAPrefill(opened);
        }
    }

    private static void decodingOneByOneGivesTheBitsOfAPrefill(Engine engine) {
        int[] tokens = {1, 5, 9, 300, 17, 4000, 2, 8};
        List<float[]> expected = new ArrayList<>();
        try (Session session = engine.newSession()) {
            session.prefill(tokens, (position, logits) -> expected.add(logits.clone()));
        }
        try (Session session = engine.newSession()) {
            session.prefill(new int[] {tokens[0]});
            for (int i = 1; i < tokens.length; i++) {
                session.decode(tokens[i]);
                assertArrayEquals(expected.get(i), session.logits(), "position " + i);
            }
        }
    }

    /// The rows of a short pass are too few for the logits of one token.
    @Test
    void aSessionOfFewTokensHandsOutTheSameLogits() {
        int[] tokens = {1, 5, 9};
        List<float[]> expected = new ArrayList<>();
        try (Session session = engine.newSession()) {
            session.prefill(tokens, (position, logits) -> expected.add(logits.clone()));
        }
        try (Session session = engine.newSession(tokens.length)) {
            session.prefill(tokens, (position, logits) -> assertArrayEquals(expected.get(position), logits));
            assertLargest(session, 40);
            assertArrayEquals(expected.getLast(), session.logits());
        }
    }

    @Test
    void theLargestLogitsAreThoseOfAllLogitsInWhateverOrderTheyAreAskedFor() {
        try (Session session = engine.newSession()) {
            session.prefill(new int[] {1, 5, 9}, (position, logits) -> {});
            assertLargest(session, 1);
            session.decode(17);
            assertLargest(session, 1);
            assertLargest(session, 40);
            session.decode(4000);
            Largest before = session.largestLogits(40);
            assertEquals(session.logits()[before.index(39)], before.value(39));
            session.prefill(new int[] {2, 8});
            assertLargest(session, 40);
        }
    }

    private static void assertLargest(Session session, int k) {
        Largest found = session.largestLogits(k);
        Largest expected = new Largest();
        expected.find(session.logits(), 0, session.logits().length, k);
        assertEquals(k, found.size());
        for (int i = 0; i < k; i++) {
            assertEquals(expected.index(i), found.index(i));
            assertEquals(expected.value(i), found.value(i));
        }
    }

    @Test
    void goingBackForgets() {
        try (Session session = engine.newSession()) {
            session.prefill(new int[] {1, 5, 9});
            float[] expected = session.logits().clone();
            session.prefill(new int[] {77, 78, 79});
            session.truncate(2);
            session.decode(9);
            assertArrayEquals(expected, session.logits());
            assertArrayEquals(new int[] {1, 5, 9}, session.tokens());
        }
    }

    @Test
    void aPromptThatIsGivenUpLeavesTheSessionAsItWas() {
        int[] prompt = IntStream.range(0, 900).map(i -> i % 4000).toArray();
        try (Session session = engine.newSession()) {
            session.prefill(new int[] {1, 5});
            AtomicInteger asked = new AtomicInteger();
            assertFalse(session.prefill(prompt, () -> asked.incrementAndGet() > 12));
            assertEquals(2, session.position());
            assertTrue(session.prefill(new int[] {9}, () -> false));
            float[] found = session.logits().clone();
            session.truncate(0);
            session.prefill(new int[] {1, 5, 9});
            assertArrayEquals(session.logits(), found);
        }
    }

    @Test
    void whatDoesNotFitIsRefusedWithNumbers() {
        try (Session session = engine.newSession()) {
            String tooLong =
                    String.valueOf(assertThrows(IllegalArgumentException.class, () -> session.prefill(new int[1025]))
                            .getMessage());
            assertTrue(tooLong.contains("1024") && tooLong.contains("1025"), tooLong);
            String unknown =
                    String.valueOf(assertThrows(IllegalArgumentException.class, () -> session.prefill(new int[] {4096}))
                            .getMessage());
            assertTrue(unknown.contains("4096"), unknown);
            assertThrows(IllegalArgumentException.class, () -> session.prefill(new int[0]));
            assertThrows(IllegalArgumentException.class, () -> session.truncate(1));
            assertEquals(0, session.position());
        }
    }

    /// Positions of a text beyond 16 tokens are rotated otherwise in this model.
    @Test
    void aTextCountsAsLongWithAllThatIsAppendedAtOnce() {
        int[] tokens = IntStream.range(0, 20).map(i -> (i * 37 + 11) % 300).toArray();
        try (Engine opened =
                Engine.open(ImportedStores.of(TestData.golden("phimoe_longrope_long")), EngineConfig.DEFAULT)) {
            float[] whole = lastLogits(opened, tokens, 20);
            assertArrayEquals(whole, lastLogits(opened, tokens, 17), "long from its first token on");
            float[] grown = lastLogits(opened, tokens, 16);
            assertFalse(Arrays.equals(whole, grown));
            assertArrayEquals(grown, lastLogits(opened, tokens, 3), "the keys of a short text stay");
        }
    }

    /// The loss is a mean over tokens, and what may be spent is saved with each.
    @Test
    void aTokenGivenUpNeitherCostsNorSavesLoss() {
        Path store = ImportedStores.of(TestData.tinyMixtral());
        EngineConfig config = EngineConfig.DEFAULT
                .withRamBytes(engine.minimumRamBytes())
                .withSelection(ExpertSelection.TRAINED.withMaxKld(1));
        try (Engine opened = Engine.open(store, config);
                Session session = opened.newSession()) {
            LossMeter loss = opened.loss();
            loss.limit(1, 1);
            session.prefill(new int[] {1, 5, 9});
            session.decode(300);
            List<Double> before = figures(loss);
            assertTrue(loss.loadsSaved() > 0, "nothing was left out");
            for (int layer = 0; layer < opened.spec().layers().size(); layer++) {
                AtomicInteger left = new AtomicInteger(layer);
                assertFalse(session.decode(17, () -> left.getAndDecrement() == 0));
                assertEquals(before, figures(loss), "given up before layer " + layer);
            }
            session.decode(17);
            assertTrue(loss.loadsSaved() > before.getLast());
        }
    }

    private static List<Double> figures(LossMeter loss) {
        return List.of(loss.estimatedKld(), loss.shareLeftOut(), loss.shareCopied(), (double) loss.loadsSaved());
    }

    /// What a session has held before changes no logits.
    @Test
    void aTextThatBecomesLongOrShortIsReadAgain() {
        int[] tokens = IntStream.range(0, 20).map(i -> (i * 37 + 11) % 300).toArray();
        try (Engine opened =
                        Engine.open(ImportedStores.of(TestData.golden("phimoe_longrope_long")), EngineConfig.DEFAULT);
                Session session = opened.newSession()) {
            session.prefill(Arrays.copyOf(tokens, 10));
            session.prefill(Arrays.copyOfRange(tokens, 10, 20));
            assertArrayEquals(lastLogits(opened, tokens, 20), session.logits(), "long by a prompt");
            AtomicInteger layers = new AtomicInteger();
            session.truncate(10);
            assertFalse(session.decode(tokens[10], () -> layers.getAndIncrement() > 0), "given up in the midst");
            session.decode(tokens[10]);
            assertArrayEquals(lastLogits(opened, Arrays.copyOf(tokens, 11), 11), session.logits(), "short again");
            for (int i = 11; i < 18; i++) {
                session.decode(tokens[i]);
            }
            assertArrayEquals(lastLogits(opened, Arrays.copyOf(tokens, 18), 11), session.logits(), "grown");
            session.prefill(Arrays.copyOfRange(tokens, 18, 20));
            assertArrayEquals(lastLogits(opened, tokens, 20), session.logits(), "long by a prompt, once more");
            session.truncate(17);
            session.prefill(Arrays.copyOfRange(tokens, 17, 20));
            assertArrayEquals(lastLogits(opened, tokens, 20), session.logits(), "long still");
        }
    }

    /// Attention over latents and mixtures of heads, which no published model has with LongRoPE.
    @ParameterizedTest
    @ValueSource(strings = {"deepseek_v3", "jetmoe"})
    void everyAttentionRotatesALongTextOtherwise(String name, @TempDir Path directory) throws IOException {
        int[] tokens = IntStream.range(0, 20).toArray();
        float[] found = logits(directory.resolve("both"), name, 1, 2, tokens);
        assertArrayEquals(logits(directory.resolve("long"), name, 2, 2, tokens), found);
        assertFalse(Arrays.equals(logits(directory.resolve("short"), name, 1, 1, tokens), found));
    }

    /// Returns the last logits of a case whose texts beyond 16 tokens have their frequencies divided by `longer`, and
    /// all others by `shorter`.
    private static float[] logits(Path copy, String name, double shorter, double longer, int[] tokens)
            throws IOException {
        Path original = TestData.golden(name);
        Files.createDirectories(copy);
        Files.copy(original.resolve("model.safetensors"), copy.resolve("model.safetensors"));
        Map<String, Object> config =
                new HashMap<>(Json.readObject(original.resolve("config.json")).asMap());
        Object rotated = config.getOrDefault("qk_rope_head_dim", config.get("kv_channels"));
        int pairs = ((Number) Objects.requireNonNull(rotated)).intValue() / 2;
        config.put(
                "rope_scaling",
                Map.of(
                        "rope_type",
                        "longrope",
                        "short_factor",
                        Collections.nCopies(pairs, shorter),
                        "long_factor",
                        Collections.nCopies(pairs, longer),
                        "original_max_position_embeddings",
                        16,
                        "attention_factor",
                        1));
        Files.writeString(copy.resolve("config.json"), Json.write(config));
        try (Engine opened = Engine.open(ImportedStores.of(copy), EngineConfig.DEFAULT)) {
            return lastLogits(opened, tokens, tokens.length);
        }
    }

    /// Appends `atOnce` tokens together and the others one by one.
    private static float[] lastLogits(Engine opened, int[] tokens, int atOnce) {
        try (Session session = opened.newSession()) {
            session.prefill(Arrays.copyOf(tokens, atOnce));
            for (int i = atOnce; i < tokens.length; i++) {
                session.decode(tokens[i]);
            }
            return session.logits().clone();
        }
    }

    @Test
    void aClosedEngineSaysSo() {
        Engine closed = Engine.open(ImportedStores.of(TestData.tinyMixtral()), EngineConfig.DEFAULT);
        try (Session session = closed.newSession()) {
            closed.close();
            String message =
                    String.valueOf(assertThrows(IllegalStateException.class, () -> session.prefill(new int[] {1}))
                            .getMessage());
            assertTrue(message.contains("closed"), message);
        }
    }
}
