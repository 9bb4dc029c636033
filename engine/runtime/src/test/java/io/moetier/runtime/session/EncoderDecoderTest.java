package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.KvType;
import io.moetier.runtime.lookahead.Recall;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.runtime.trace.Census;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.format.SafetensorsFile;
import io.moetier.storage.memory.MemoryLimit;
import io.moetier.storage.memory.MemoryPressure;
import io.moetier.testdata.TestData;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// The outside truth for models with an encoder: logits of one pass over given decoder tokens, in which experts may run
/// out of room, and greedy tokens, which come one by one and always find some.
class EncoderDecoderTest {
    /// The reference sums in another order.
    private static final double TOLERANCE = 1e-4;

    static Stream<Arguments> cases() {
        return TestData.ENCODER_DECODER_CASES.stream()
                .flatMap(name -> KernelChoice.present().stream().map(kernels -> Arguments.of(name, kernels)));
    }

    static List<String> names() {
        return TestData.ENCODER_DECODER_CASES;
    }

    @ParameterizedTest
    @MethodSource("cases")
    void logitsAreTheReferences(String name, KernelChoice kernels) {
        float[] expected = logits(name);
        try (Engine engine = open(name, EngineConfig.DEFAULT.withKernels(kernels));
                Session session = engine.newSession()) {
            double[] worst = new double[1];
            session.encode(reference(name, "input_ids"));
            session.prefill(reference(name, "decoder_input_ids"), (position, logits) -> {
                for (int i = 0; i < logits.length; i++) {
                    worst[0] = Math.max(worst[0], Math.abs(logits[i] - expected[position * logits.length + i]));
                }
            });
            assertTrue(worst[0] <= TOLERANCE, () -> name + ": logits differ by " + worst[0]);
        }
    }

    @ParameterizedTest
    @MethodSource("names")
    void routersChooseAsTheReferencesDo(String name) {
        Map<Integer, List<List<Integer>>> routed = new HashMap<>();
        try (Engine engine = open(name, EngineConfig.DEFAULT);
                Session session = engine.newSession()) {
            session.listen((layer, pass, k, ids, weights, tiers) -> {
                for (int t = 0; t < pass.n(); t++) {
                    List<Integer> chosen = new ArrayList<>();
                    for (int j = 0; j < k; j++) {
                        chosen.add(ids[t * k + j]);
                    }
                    routed.computeIfAbsent(layer, key -> new ArrayList<>()).add(chosen);
                }
            });
            session.encode(reference(name, "input_ids"));
            session.prefill(reference(name, "decoder_input_ids"));
            assertEquals(expectedRouting(name, engine.spec().encoderLayers()), routed);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void greedyTokensAreTheReferences(String name, KernelChoice kernels) {
        int[] expected = reference(name, "greedy_ids");
        try (Engine engine = open(name, EngineConfig.DEFAULT.withKernels(kernels));
                Session session = engine.newSession()) {
            List<Integer> tokens = new ArrayList<>();
            Sampler sampler = new Sampler(SamplingParams.GREEDY, engine.spec().vocabSize(), engine.contextLength());
            new Generator(session, sampler, Set.of())
                    .run(reference(name, "input_ids"), expected.length, tokens::add, () -> false);
            assertArrayEquals(
                    expected, tokens.stream().mapToInt(Integer::intValue).toArray());
        }
    }

    @Test
    void anInputIsRefusedForWhichThereIsNoRoom() {
        long group = 1L << 30;
        MemoryLimit full = new MemoryLimit(MemoryLimit.Kind.GROUP, "a group", group, group);
        MemoryLimit tight = full.withUsed(group - MemoryBudget.hardPart(full) - (64 << 10));
        Path store = ImportedStores.of(TestData.golden("nllb_moe"));
        try (Engine engine = Engine.open(
                        store,
                        EngineConfig.DEFAULT,
                        slots -> new MemoryGuard(() -> List.of(tight), () -> MemoryPressure.NONE, slots));
                Session session = engine.newSession()) {
            session.encode(new int[1]);
            assertThrows(InvalidOptionException.class, () -> session.encode(new int[1024]));
            assertThrows(IllegalStateException.class, () -> session.prefill(new int[1]), "there is no input");
        }
    }

    /// What the encoder's last layer chose says nothing of the decoder's first one, not even if the input is one token.
    @ParameterizedTest
    @MethodSource("names")
    void onlyTheDecodersChoicesAreGuessed(String name) {
        try (Engine engine = open(name, EngineConfig.DEFAULT);
                Session session = engine.newSession()) {
            session.encode(new int[] {reference(name, "input_ids")[0]});
            assertEquals(List.of(), engine.lookahead().recallByLayer());
            session.prefill(reference(name, "decoder_input_ids"));
            IntStream.range(0, 40).forEach(session::decode);
            long decoders = engine.spec().layers().stream()
                    .skip(engine.spec().encoderLayers())
                    .filter(layer -> layer.moe().isPresent())
                    .count();
            assertEquals(
                    decoders - 1, // the first has none before it
                    engine.lookahead().recallByLayer().stream()
                            .map(Recall::layer)
                            .distinct()
                            .count());
        }
    }

    /// An expert cannot have been chosen by more tokens than there were, or the census would be refused when it is
    /// read.
    @ParameterizedTest
    @MethodSource("names")
    void theCensusCountsTheTokensOfBothStacks(String name) {
        try (Engine engine = open(name, EngineConfig.DEFAULT);
                Session session = engine.newSession()) {
            CensusTally tally = new CensusTally(engine.spec());
            session.listen(tally);
            session.encode(new int[] {reference(name, "input_ids")[0]});
            session.prefill(reference(name, "decoder_input_ids"));
            IntStream.range(0, 40).forEach(session::decode);
            assertEquals(1 + reference(name, "decoder_input_ids").length + 40, tally.tokens());
            byte[] written = Json.write(tally.census().toMap()).getBytes(StandardCharsets.UTF_8);
            assertEquals(
                    (double) tally.tokens(),
                    Census.parse(Json.parseObject(written, Path.of("census.json")))
                            .tokens());
        }
    }

    @ParameterizedTest
    @MethodSource("names")
    void theSmallestBudgetGivesTheSameBits(String name) {
        float[] expected = lastLogits(name, EngineConfig.DEFAULT.withThreads(1));
        try (Engine engine = open(name, EngineConfig.DEFAULT)) {
            EngineConfig smallest = EngineConfig.DEFAULT.withThreads(2).withRamBytes(engine.minimumRamBytes());
            assertArrayEquals(expected, lastLogits(name, smallest));
        }
    }

    @Test
    void anotherInputBeginsTheOutputAnew() {
        String name = "switch_transformers";
        int[] input = reference(name, "input_ids");
        float[] expected = lastLogits(name, EngineConfig.DEFAULT);
        try (Engine engine = open(name, EngineConfig.DEFAULT);
                Session session = engine.newSession()) {
            session.encode(new int[] {7, 8, 9});
            session.prefill(new int[] {0, 5});
            session.encode(input);
            assertEquals(0, session.position());
            session.prefill(reference(name, "decoder_input_ids"));
            assertArrayEquals(expected, session.logits());
        }
    }

    @Test
    void anOutputCanBeginWithALanguage() {
        String name = "nllb_moe";
        int[] input = reference(name, "input_ids");
        try (Engine engine = open(name, EngineConfig.DEFAULT);
                Session plain = engine.newSession();
                Session forced = engine.newSession()) {
            plain.encode(input);
            plain.prefill(new int[] {2, 300});
            forced.beginOutputWith(300);
            assertTrue(forced.prompt(input, () -> false));
            assertEquals(2, forced.position());
            assertArrayEquals(plain.logits(), forced.logits());
            assertThrows(IllegalArgumentException.class, () -> forced.beginOutputWith(320));
        }
        try (Engine decoder = open("mixtral", EngineConfig.DEFAULT);
                Session session = decoder.newSession()) {
            assertThrows(IllegalStateException.class, () -> session.beginOutputWith(1));
        }
    }

    @Test
    void anOutputWithoutInputIsRefused() {
        try (Engine engine = open("nllb_moe", EngineConfig.DEFAULT);
                Session session = engine.newSession()) {
            assertThrows(IllegalStateException.class, () -> session.prefill(new int[] {2}));
            assertThrows(IllegalArgumentException.class, () -> session.encode(new int[0]));
            assertThrows(IllegalArgumentException.class, () -> session.encode(new int[1025]));
            for (int layers = 0; layers < engine.spec().layers().size(); layers++) {
                AtomicInteger left = new AtomicInteger(layers);
                assertFalse(session.prompt(new int[] {5, 6}, () -> left.getAndDecrement() == 0), "cancelled");
                assertThrows(IllegalStateException.class, () -> session.decode(5), "before layer " + layers);
            }
            assertThrows(IllegalStateException.class, () -> session.prefill(new int[] {2}));
        }
    }

    private static float[] lastLogits(String name, EngineConfig config) {
        try (Engine engine = open(name, config);
                Session session = engine.newSession()) {
            session.encode(reference(name, "input_ids"));
            session.prefill(reference(name, "decoder_input_ids"));
            return session.logits().clone();
        }
    }

    private static Engine open(String name, EngineConfig config) {
        return Engine.open(ImportedStores.of(TestData.golden(name)), config.withKv(KvType.F32));
    }

    private static float[] logits(String name) {
        try (SafetensorsFile file = SafetensorsFile.open(TestData.golden(name).resolve("logits.safetensors"))) {
            return file.readFloats("logits");
        }
    }

    private static int[] reference(String name, String key) {
        return GoldenCase.ints(Json.readObject(TestData.golden(name).resolve("reference.json")), key);
    }

    /// Returns the choices of each layer, -1 for those that found no room.
    @SuppressWarnings("unchecked") // the committed file has this shape
    private static Map<Integer, List<List<Integer>>> expectedRouting(String name, int encoderLayers) {
        Map<Integer, List<List<Integer>>> expected = new HashMap<>();
        JsonObject reference = Json.readObject(TestData.golden(name).resolve("reference.json"));
        for (JsonObject layer : reference.requireObjects("router")) {
            int first = layer.requireString("stack").equals("encoder") ? 0 : encoderLayers;
            List<List<Integer>> ids =
                    Objects.requireNonNull((List<List<Integer>>) layer.asMap().get("expert_ids"));
            @Nullable
            List<List<Boolean>> kept = (List<List<Boolean>>) layer.asMap().get("kept");
            expected.put(first + layer.requireInt("layer"), kept == null ? ids : withoutDropped(ids, kept));
        }
        return expected;
    }

    private static List<List<Integer>> withoutDropped(List<List<Integer>> ids, List<List<Boolean>> kept) {
        List<List<Integer>> left = new ArrayList<>();
        for (int t = 0; t < ids.size(); t++) {
            List<Integer> row = new ArrayList<>();
            for (int j = 0; j < ids.get(t).size(); j++) {
                row.add(kept.get(t).get(j) ? ids.get(t).get(j) : -1);
            }
            left.add(row);
        }
        return left;
    }
}
