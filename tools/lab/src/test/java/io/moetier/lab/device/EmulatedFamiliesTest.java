package io.moetier.lab.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.emulator.driver.option.EmulatedOptions;
import io.moetier.kernels.device.KvType;
import io.moetier.runtime.convert.CheckpointImporter;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.model.vision.PixelValues;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.Generator;
import io.moetier.runtime.session.Sampler;
import io.moetier.runtime.session.SamplingParams;
import io.moetier.runtime.session.Session;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.format.SafetensorsFile;
import io.moetier.testdata.TestData;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Every family on an emulated GPU, with hardly a slot on the device or in main memory, against the outside truth
/// that holds the CPU as well.
class EmulatedFamiliesTest {
    /// Sums in another order than the reference's, and exponentials off by units in the last place; found were 4e-5 at
    /// most.
    private static final double TOLERANCE = 2e-3;

    private static final int FEW = 4; // tokens, where each takes long
    private static final int CONTEXT = 64; // of texts
    private static final int CONTEXT_OF_IMAGES = 96;

    @TempDir
    static Path directory = Path.of("");

    /// All but those that are another's files or configuration in another form; a pack has some of them.
    static List<String> cases() {
        return TestData.GOLDEN_CASES.stream()
                .filter(name -> !name.endsWith("_sharded") && !name.endsWith("_v5config"))
                .filter(name -> Files.isDirectory(TestData.golden(name)))
                .toList();
    }

    static List<String> casesWithAnEncoder() {
        return TestData.ENCODER_DECODER_CASES.stream()
                .filter(name -> Files.isDirectory(TestData.golden(name)))
                .toList();
    }

    /// The reference's own tokens follow the prompt, all in one pass: where each is the likeliest after those before
    /// it, generating greedily gives them too.
    @Tag("gpu")
    @ParameterizedTest
    @MethodSource("cases")
    void givesTheReferencesLogitsAndTokens(String name) {
        Path golden = TestData.golden(name);
        JsonObject reference = Json.readObject(golden.resolve("reference.json"));
        int[] prompt = ints(reference, "input_ids");
        int[] greedy = ints(reference, "greedy_ids");
        requireLogitsAndTokens(golden, "logits", prompt, greedy);
    }

    @ParameterizedTest
    @FieldSource("io.moetier.testdata.TestData#GOLDEN_IMAGE_CASES")
    void seesWhatTheReferenceSees(String name) {
        Path golden = TestData.golden(name);
        JsonObject reference = Json.readObject(golden.resolve("reference.json"));
        int[] prompt = ints(reference, "input_ids");
        int[] greedy = Arrays.copyOf(ints(reference, "greedy_ids"), FEW);
        try (Engine engine = open(golden, CONTEXT_OF_IMAGES);
                Session session = engine.newSession()) {
            PixelValues values = PixelValues.read(golden.resolve("inputs.safetensors"));
            session.look(prompt, List.of(values.patches(engine.spec().vision().orElseThrow())));
            requireLogitsAndTokens(golden, "logits", prompt, greedy, session, engine);
        }
    }

    /// Rows of a prompt, each with the token behind it.
    @Test
    void predictsFurtherWhatTheReferencePredicts() {
        Path golden = TestData.golden("qwen3_5_moe_mtp");
        Path store = directory.resolve("mtp.mtier");
        try (ModelSource source = ModelSource.openWithMtp(golden)) {
            new CheckpointImporter(source, Quantisation.KEEP).run(store, false, bytes -> {});
        }
        int[] prompt = ints(Json.readObject(golden.resolve("reference.json")), "input_ids");
        try (Engine engine = openStore(store, CONTEXT);
                Session session = engine.newSession()) {
            int vocabSize = engine.spec().vocabSize();
            float[] logits = new float[(prompt.length - 1) * vocabSize];
            session.predictFurther(
                    prompt, (position, row) -> System.arraycopy(row, 0, logits, position * vocabSize, vocabSize));
            double worst = worst(golden, "mtp_logits", logits);
            assertTrue(worst <= TOLERANCE, () -> "logits differ by " + worst);
            assertTrue(engine.stats().copiedBytes() > 0);
        }
    }

    /// The trained model, in bfloat16.
    @Test
    void givesThoseOfTheTrainedModel() {
        Path golden = TestData.tinyMixtral();
        JsonObject reference = Json.readObject(golden.resolve("reference.json"))
                .requireObjects("cases")
                .getFirst();
        int[] greedy = Arrays.copyOf(ints(reference, "greedy_ids"), FEW);
        requireLogitsAndTokens(golden, reference.requireString("domain"), ints(reference, "input_ids"), greedy);
    }

    private static void requireLogitsAndTokens(Path golden, String tensor, int[] prompt, int[] greedy) {
        try (Engine engine = open(golden);
                Session session = engine.newSession()) {
            requireLogitsAndTokens(golden, tensor, prompt, greedy, session, engine);
        }
    }

    private static void requireLogitsAndTokens(
            Path golden, String tensor, int[] prompt, int[] greedy, Session session, Engine engine) {
        int[] text =
                IntStream.concat(IntStream.of(prompt), IntStream.of(greedy)).toArray();
        int vocabSize = engine.spec().vocabSize();
        float[] logits = EmulatedEngines.logits(session, text, vocabSize);
        double worst = worst(golden, tensor, logits);
        assertTrue(worst <= TOLERANCE, () -> "logits differ by " + worst);
        for (int i = 0; i < greedy.length; i++) {
            assertEquals(greedy[i], EmulatedEngines.likeliest(logits, prompt.length - 1 + i, vocabSize));
        }
        assertTrue(engine.stats().copiedBytes() > 0);
    }

    /// Experts of the decoder may run out of room in the pass over given tokens, and not where they come one by one.
    @Tag("gpu")
    @ParameterizedTest
    @MethodSource("casesWithAnEncoder")
    void aDecoderBehindAnEncoderGivesThemToo(String name) {
        Path golden = TestData.golden(name);
        JsonObject reference = Json.readObject(golden.resolve("reference.json"));
        try (Engine engine = open(golden);
                Session session = engine.newSession()) {
            int vocabSize = engine.spec().vocabSize();
            session.encode(ints(reference, "input_ids"));
            float[] logits = EmulatedEngines.logits(session, ints(reference, "decoder_input_ids"), vocabSize);
            double worst = worst(golden, "logits", logits);
            assertTrue(worst <= TOLERANCE, () -> "logits differ by " + worst);
            int[] expected = Arrays.copyOf(ints(reference, "greedy_ids"), FEW);
            List<Integer> tokens = new ArrayList<>();
            Sampler sampler = new Sampler(SamplingParams.GREEDY, vocabSize, engine.contextLength());
            new Generator(session, sampler, Set.of())
                    .run(ints(reference, "input_ids"), expected.length, tokens::add, () -> false);
            assertArrayEquals(
                    expected, tokens.stream().mapToInt(Integer::intValue).toArray());
        }
    }

    private static Engine open(Path golden) {
        return open(golden, CONTEXT);
    }

    private static Engine open(Path golden, int contextLength) {
        return openStore(EmulatedEngines.store(directory, golden), contextLength);
    }

    private static Engine openStore(Path store, int contextLength) {
        EngineConfig config = EmulatedEngines.config(EmulatedOptions.DEFAULT)
                .withContextLength(contextLength)
                .withKv(KvType.F32);
        return Engine.open(store, EmulatedEngines.least(store, config));
    }

    private static double worst(Path golden, String tensor, float[] logits) {
        try (SafetensorsFile file = SafetensorsFile.open(golden.resolve("logits.safetensors"))) {
            float[] expected = file.readFloats(tensor);
            return IntStream.range(0, expected.length)
                    .mapToDouble(i -> Math.abs(expected[i] - logits[i]))
                    .max()
                    .orElseThrow();
        }
    }

    private static int[] ints(JsonObject object, String key) {
        return object.optionalInts(key).orElseThrow().stream()
                .mapToInt(Integer::intValue)
                .toArray();
    }
}
