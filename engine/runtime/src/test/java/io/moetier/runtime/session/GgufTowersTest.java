package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.kernels.device.KvType;
import io.moetier.runtime.convert.LlamaCppFile;
import io.moetier.runtime.convert.LlamaCppMmproj;
import io.moetier.runtime.image.Picture;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.model.vision.ImagePatches;
import io.moetier.runtime.model.vision.ImageRows;
import io.moetier.runtime.model.vision.PixelValues;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.DType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Golden cases with images in two GGUF files, as llama.cpp's converter writes them, give the reference's logits and
/// tokens.
class GgufTowersTest {
    /// The reference sums in another order.
    private static final double TOLERANCE = 1e-4;

    @TempDir
    Path directory = Path.of("");

    @ParameterizedTest
    @ValueSource(strings = {"internvl_qwen3_moe", "qwen3_5_moe_image", "qwen3_vl_moe"})
    void picturesGiveTheReferencesLogitsAndTokens(String name) throws IOException {
        GoldenCase golden = GoldenCase.read(name);
        Path model = LlamaCppFile.withImageToken(golden.directory()).write(directory.resolve("model.gguf"));
        LlamaCppMmproj.of(golden.directory()).write(directory.resolve("mmproj-model.gguf"));
        try (LoadedModel loaded = load(ImportedStores.of(model))) {
            ImagePatches image = loaded.patches(Picture.read(golden.directory().resolve("image.png")));
            float[] logits = logits(loaded.engine(), golden.inputIds(), image);
            for (int i = 0; i < logits.length; i++) {
                assertEquals(golden.logits()[i], logits[i], TOLERANCE);
            }
            assertArrayEquals(golden.greedyIds(), greedy(loaded.engine(), golden, image));
        }
    }

    /// How many tokens a picture takes at most is llama.cpp's constant, so that it is given as pixels.
    @Test
    void gemma4GivesTheReferencesLogitsAndTokens() throws IOException {
        GoldenCase golden = GoldenCase.read("gemma4_moe_image");
        for (DType type : List.of(DType.F32, DType.F16)) {
            Path store = store(golden, LlamaCppMmproj.of(golden.directory()).in(type));
            assertArrayEquals(golden.logits(), logits(store, golden), (float) TOLERANCE);
            try (LoadedModel loaded = load(store)) {
                PixelValues pixels = PixelValues.read(golden.directory().resolve("inputs.safetensors"));
                assertArrayEquals(golden.greedyIds(), greedy(loaded.engine(), golden, loaded.patches(pixels)));
            }
        }
    }

    /// All weights of the cases are exact in bfloat16, and so are the larger ones in half precision.
    @ParameterizedTest
    @ValueSource(strings = {"internvl_qwen3_moe", "qwen3_vl_moe"})
    void towersInHalfPrecisionGiveTheReferencesLogits(String name) throws IOException {
        GoldenCase golden = GoldenCase.read(name);
        Path store = store(golden, LlamaCppMmproj.of(golden.directory()).in(DType.F16));
        assertArrayEquals(golden.logits(), logits(store, golden), (float) TOLERANCE);
    }

    /// Weights are off by up to a 254th of the largest of 32, and so are activations, which are rounded where weights
    /// are in blocks.
    @ParameterizedTest
    @ValueSource(strings = {"internvl_qwen3_moe", "qwen3_vl_moe"})
    void towersInBlocksDifferByWhatRoundingExplains(String name) throws IOException {
        GoldenCase golden = GoldenCase.read(name);
        float[] exact = rows(store(golden, LlamaCppMmproj.of(golden.directory())), golden);
        float[] blocks =
                rows(store(golden, LlamaCppMmproj.of(golden.directory()).in(DType.Q8_0)), golden);
        float[] rounded =
                rows(store(golden, LlamaCppMmproj.of(golden.directory()).roundedTo(DType.Q8_0)), golden);
        assertEquals(0.008, distance(exact, rounded), 0.004); // weights alone
        assertEquals(0.01, distance(rounded, blocks), 0.005); // activations alone
        assertEquals(0.013, distance(exact, blocks), 0.006);
    }

    private Path store(GoldenCase golden, LlamaCppMmproj tower) throws IOException {
        Path folder = Files.createTempDirectory(directory, "model");
        tower.write(folder.resolve("mmproj-model.gguf"));
        return ImportedStores.of(LlamaCppFile.withImageToken(golden.directory()).write(folder.resolve("model.gguf")));
    }

    /// Returns what the tower makes of the picture.
    private float[] rows(Path store, GoldenCase golden) {
        try (LoadedModel loaded = load(store);
                Arena memory = loaded.engine().device().newArena()) {
            ImagePatches image = loaded.patches(Picture.read(golden.directory().resolve("image.png")));
            ImageRows rows = loaded.engine().tower().read(image, 0, memory, () -> false);
            float[] all = new float[rows.features().length()];
            loaded.engine().download(rows.features(), 0, all);
            return all;
        }
    }

    /// Returns how far apart rows are, by the length of the first.
    private static double distance(float[] expected, float[] found) {
        double difference = 0;
        double length = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += Math.pow(found[i] - expected[i], 2);
            length += Math.pow(expected[i], 2);
        }
        return Math.sqrt(difference / length);
    }

    /// The file says neither how long chunks are nor how queries grow, which llama.cpp has as constants.
    @Test
    void llama4GivesWhatItGivesWithItsDefaults() throws IOException {
        GoldenCase golden = GoldenCase.read("llama4_scout_image");
        Path changed = changed(
                golden.directory(),
                Map.of(
                        "attention_chunk_size",
                        8192,
                        "floor_scale",
                        8192,
                        "rope_scaling",
                        Map.of(
                                "rope_type", "llama3",
                                "factor", 16.0,
                                "low_freq_factor", 1.0,
                                "high_freq_factor", 4.0,
                                "original_max_position_embeddings", 8192)));
        Path model = LlamaCppFile.withImageToken(changed).write(directory.resolve("llama.gguf"));
        LlamaCppMmproj.of(changed).write(directory.resolve("mmproj-llama.gguf"));
        assertArrayEquals(logits(ImportedStores.of(changed), golden), logits(ImportedStores.of(model), golden), (float)
                TOLERANCE);
    }

    private LoadedModel load(Path store) {
        return LoadedModel.open(
                store, store, directory, EngineConfig.DEFAULT.withThreads(2).withKv(KvType.F32));
    }

    /// Returns the logits of pixels that the reference has made: how many tiles there are at most is a constant, too.
    private float[] logits(Path store, GoldenCase golden) {
        try (LoadedModel loaded = load(store)) {
            PixelValues pixels = PixelValues.read(golden.directory().resolve("inputs.safetensors"));
            return logits(loaded.engine(), golden.inputIds(), loaded.patches(pixels));
        }
    }

    /// Returns a checkpoint whose language model has another configuration.
    private Path changed(Path golden, Map<String, Object> changes) throws IOException {
        Path changed = Files.createDirectory(directory.resolve("changed"));
        JsonObject config = Json.readObject(golden.resolve("config.json"));
        Map<String, Object> text = new LinkedHashMap<>();
        config.requireObject("text_config").asMap().forEach((key, value) -> {
            if (value != null) {
                text.put(key, value);
            }
        });
        text.putAll(changes);
        Map<String, Object> whole = new LinkedHashMap<>();
        config.asMap().forEach((key, value) -> {
            if (value != null) {
                whole.put(key, value);
            }
        });
        whole.put("text_config", text);
        Files.writeString(changed.resolve("config.json"), Json.write(whole));
        for (String file : List.of("model.safetensors", "preprocessor_config.json", "inputs.safetensors")) {
            Files.copy(golden.resolve(file), changed.resolve(file));
        }
        return changed;
    }

    private static float[] logits(Engine engine, int[] prompt, ImagePatches image) {
        try (Session session = engine.newSession()) {
            int vocabulary = engine.spec().vocabSize();
            float[] all = new float[prompt.length * vocabulary];
            session.look(prompt, List.of(image));
            session.prefill(
                    prompt, (position, logits) -> System.arraycopy(logits, 0, all, position * vocabulary, vocabulary));
            return all;
        }
    }

    private static int[] greedy(Engine engine, GoldenCase golden, ImagePatches image) {
        try (Session session = engine.newSession()) {
            List<Integer> tokens = new ArrayList<>();
            Sampler sampler = new Sampler(SamplingParams.GREEDY, engine.spec().vocabSize(), engine.contextLength());
            session.look(golden.inputIds(), List.of(image));
            new Generator(session, sampler, Set.of())
                    .run(golden.inputIds(), golden.greedyIds().length, tokens::add, () -> false);
            return tokens.stream().mapToInt(Integer::intValue).toArray();
        }
    }
}
