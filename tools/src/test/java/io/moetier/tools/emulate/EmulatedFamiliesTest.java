package io.moetier.tools.emulate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.engine.device.KvType;
import io.moetier.engine.session.Engine;
import io.moetier.engine.session.EngineConfig;
import io.moetier.engine.session.Session;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.format.SafetensorsFile;
import io.moetier.testdata.TestData;
import io.moetier.tools.emulate.driver.EmulatedOptions;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every family on an emulated GPU, with hardly a slot on the device or in main memory, against the outside truth
/// that holds the CPU as well.
class EmulatedFamiliesTest {
    /// Sums in another order than the reference's, and exponentials off by units in the last place; found were 4e-5 at
    /// most.
    private static final double TOLERANCE = 2e-3;

    @TempDir
    static Path directory = Path.of("");

    /// All but those that are another's files or configuration in another form.
    static List<String> cases() {
        return TestData.GOLDEN_CASES.stream()
                .filter(name -> !name.endsWith("_sharded") && !name.endsWith("_v5config"))
                .toList();
    }

    /// The reference's own tokens follow the prompt, all in one pass: where each is the likeliest after those before
    /// it,
    /// generating greedily gives them too.
    @ParameterizedTest
    @MethodSource("cases")
    void givesTheReferencesLogitsAndTokens(String name) {
        Path golden = TestData.golden(name);
        JsonObject reference = Json.readObject(golden.resolve("reference.json"));
        int[] prompt = ints(reference, "input_ids");
        int[] greedy = ints(reference, "greedy_ids");
        int[] text =
                IntStream.concat(IntStream.of(prompt), IntStream.of(greedy)).toArray();
        Path store = EmulatedEngines.store(directory, golden);
        EngineConfig config = EmulatedEngines.config(EmulatedOptions.DEFAULT).withKv(KvType.F32);
        try (Engine engine = Engine.open(store, EmulatedEngines.least(store, config));
                Session session = engine.newSession()) {
            int vocabSize = engine.spec().vocabSize();
            float[] logits = EmulatedEngines.logits(session, text, vocabSize);
            double worst = worst(golden, logits);
            assertTrue(worst <= TOLERANCE, () -> "logits differ by " + worst);
            for (int i = 0; i < greedy.length; i++) {
                assertEquals(greedy[i], EmulatedEngines.likeliest(logits, prompt.length - 1 + i, vocabSize));
            }
            assertTrue(engine.stats().copiedBytes() > 0);
        }
    }

    private static double worst(Path golden, float[] logits) {
        try (SafetensorsFile file = SafetensorsFile.open(golden.resolve("logits.safetensors"))) {
            float[] expected = file.readFloats("logits");
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
