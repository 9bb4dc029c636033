package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.device.KvType;
import io.moetier.runtime.convert.GgufCopy;
import io.moetier.runtime.text.GgufMetadata;
import io.moetier.runtime.text.Tokenizer;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/// A model gives the same in a GGUF file as in a checkpoint.
class GgufModelTest {
    /// The reference sums in another order.
    private static final double TOLERANCE = 1e-4;

    private static final EngineConfig EXACT = EngineConfig.DEFAULT.withKv(KvType.F32);

    /// Those of families whose GGUF names are known.
    static final List<String> CASES = List.of(
            "mixtral",
            "mixtral_sharded",
            "mixtral_sliding",
            "qwen2_moe",
            "qwen2_moe_sparse_step",
            "qwen3_moe",
            "qwen3_moe_v5config",
            "qwen3_moe_yarn",
            "olmoe",
            "olmoe_clip_qkv");

    @TempDir
    Path directory;

    @ParameterizedTest
    @FieldSource("CASES")
    void everyGoldenCaseGivesTheReferencesLogitsAndTokens(String name) throws IOException {
        GoldenCase golden = GoldenCase.read(name);
        Path file = new GgufCopy(golden.directory()).widenAsUsual().write(directory.resolve(name + ".gguf"));
        try (Engine engine = Engine.open(ImportedStores.of(file), EXACT);
                Session session = engine.newSession()) {
            int vocab = engine.spec().vocabSize();
            double[] worst = new double[1];
            session.prefill(golden.inputIds(), (position, logits) -> {
                for (int i = 0; i < vocab; i++) {
                    worst[0] = Math.max(worst[0], Math.abs(logits[i] - golden.logits()[position * vocab + i]));
                }
            });
            assertTrue(worst[0] <= TOLERANCE, () -> "logits differ by " + worst[0]);
        }
        assertArrayEquals(golden.greedyIds(), greedy(file, golden.inputIds(), golden.greedyIds().length));
    }

    @Test
    void tinyMixtralGivesTheBitsAndTheTextOfItsCheckpoint() throws IOException {
        Path file = new GgufCopy(TestData.tinyMixtral())
                .putAll(GgufMetadata.tinyMixtral().values())
                .write(directory.resolve("tiny.gguf"));
        for (JsonObject reference : Json.readObject(TestData.tinyMixtral().resolve("reference.json"))
                .requireObjects("cases")) {
            int[] prompt = GoldenCase.ints(reference, "input_ids");
            assertArrayEquals(logits(TestData.tinyMixtral(), prompt), logits(file, prompt));
            try (Engine engine = Engine.open(ImportedStores.of(file), EXACT);
                    Tokenizer tokenizer = Tokenizer.open(
                            engine.store().file("tokenizer.json").orElseThrow(),
                            Optional.of(
                                    engine.store().file("tokenizer_config.json").orElseThrow()),
                            Path.of("target", "native"))) {
                assertArrayEquals(prompt, tokenizer.encode(reference.requireString("prompt"), true));
            }
            int[] expected = GoldenCase.ints(reference, "greedy_ids");
            assertArrayEquals(expected, greedy(file, prompt, expected.length));
        }
    }

    @Test
    void formsOfAFileGiveTheSameStore() throws IOException {
        Path checkpoint = TestData.golden("qwen2_moe");
        int[] prompt = GoldenCase.read("qwen2_moe").inputIds();
        float[] expected = logits(checkpoint, prompt);
        assertArrayEquals(expected, logits(new GgufCopy(checkpoint).write(directory.resolve("stacked.gguf")), prompt));
        Path unstacked = new GgufCopy(checkpoint).unstacked().write(directory.resolve("unstacked.gguf"));
        assertArrayEquals(expected, logits(unstacked, prompt));
        List<Path> parts = new GgufCopy(checkpoint).writeParts(directory, "parts", 3);
        assertArrayEquals(expected, logits(parts.get(1), prompt));
        assertEquals(3, parts.size());
    }

    private static float[] logits(Path model, int[] prompt) {
        try (Engine engine = Engine.open(ImportedStores.of(model), EXACT);
                Session session = engine.newSession()) {
            int vocab = engine.spec().vocabSize();
            float[] all = new float[prompt.length * vocab];
            session.prefill(prompt, (position, logits) -> System.arraycopy(logits, 0, all, position * vocab, vocab));
            return all;
        }
    }

    private static int[] greedy(Path model, int[] prompt, int count) {
        try (Engine engine = Engine.open(ImportedStores.of(model), EXACT);
                Session session = engine.newSession()) {
            List<Integer> tokens = new ArrayList<>();
            Sampler sampler = new Sampler(SamplingParams.GREEDY, engine.spec().vocabSize(), engine.contextLength());
            new Generator(session, sampler, Set.of()).run(prompt, count, tokens::add, () -> false);
            return tokens.stream().mapToInt(Integer::intValue).toArray();
        }
    }
}
