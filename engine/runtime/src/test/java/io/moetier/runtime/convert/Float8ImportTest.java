package io.moetier.runtime.convert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.Session;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// DeepSeek-V3 as it is published: its linear maps in floats of eight bits with a factor for each block.
class Float8ImportTest {
    private static final Path CASE = TestData.golden("deepseek_v3");
    private static final Pattern LINEAR = Pattern.compile(".*_proj(_with_mqa)?\\.weight");

    @TempDir
    Path directory;

    @Test
    void theLogitsAreThoseOfWhatTheFloatsStandFor() throws IOException {
        assertArrayEquals(
                logits("read", checkpoint(true)), logits("stored", checkpoint(false)), "blocks of 24 x 40 elements");
    }

    /// Mistral Small 4, whose experts lie in one tensor of eight bits: with a factor for each, as it is published, and
    /// with some, as transformers saves what it quantises itself. Factors of activations are not read.
    @ParameterizedTest
    @CsvSource({"64, 64", "32, 40"})
    void expertsInOneTensorReadAsWhatTheyStandFor(int blockRows, int blockCols) throws IOException {
        assertArrayEquals(
                stacked(blockRows, blockCols, true).logits(directory, "read"),
                stacked(blockRows, blockCols, false)
                        .put("model.layers.1.mlp.experts.down_proj_activation_scale", "BF16", 8L)
                        .logits(directory, "stored"));
    }

    private static AlteredCheckpoint stacked(int blockRows, int blockCols, boolean asRead) {
        return new AlteredCheckpoint(TestData.golden("mistral4"))
                .float8(Pattern.compile(".*experts\\..*_proj").asMatchPredicate(), blockRows, blockCols, asRead);
    }

    /// Ling 2.0, whose queries, keys and values are rows of one matrix, which blocks lie across.
    @Test
    void rowsOfOneMatrixReadAsWhatTheyStandFor() throws IOException {
        assertArrayEquals(fused(true).logits(directory, "read"), fused(false).logits(directory, "stored"));
    }

    private static AlteredCheckpoint fused(boolean asRead) {
        return new AlteredCheckpoint(TestData.golden("bailing_moe"))
                .float8(
                        Pattern.compile(".*(_proj|query_key_value|dense)\\.weight")
                                .asMatchPredicate(),
                        24,
                        40,
                        asRead);
    }

    /// MiMo-V2-Flash, whose last projection of attention is published as it is; layers that guess further ahead are
    /// left out.
    @Test
    void someMatricesStayBesideThoseOfEightBits() throws IOException {
        Pattern linear = Pattern.compile(".*([qkv]|gate|up|down)_proj\\.weight");
        Path golden = TestData.golden("mimo_v2_flash");
        Path stored = new AlteredCheckpoint(golden)
                .put("model.mtp.layers.0.eh_proj.weight", "BF16", 64L, 128L)
                .float8(linear.asMatchPredicate(), 16, 40, false)
                .write(directory.resolve("with-layer"));
        try (ModelSource source = ModelSource.open(stored)) {
            assertEquals(1, source.numGuessingTensors());
        }
        assertArrayEquals(
                logits("read", new AlteredCheckpoint(golden).float8(linear.asMatchPredicate(), 16, 40, true)),
                logits("stored", new AlteredCheckpoint(golden).float8(linear.asMatchPredicate(), 16, 40, false)));
    }

    /// Step-3.5-Flash, whose experts of a kind lie in one tensor; layers behind the model's own are left out.
    @Test
    void gatesOfAllExpertsInOneTensorReadAsWhatTheyStandFor() throws IOException {
        Pattern linear = Pattern.compile(".*([qkvo]|gate|up|down)_proj\\.weight");
        Path golden = TestData.golden("step3p5");
        Path stored = new AlteredCheckpoint(golden)
                .put("model.layers.4.eh_proj.weight", "BF16", 64L, 128L)
                .put("model.layers.4.transformer.shared_head.norm.weight", "BF16", 64L)
                .float8(linear.asMatchPredicate(), 16, 40, false)
                .write(directory.resolve("with-layer"));
        try (ModelSource source = ModelSource.open(stored)) {
            assertEquals(2, source.numGuessingTensors());
        }
        assertArrayEquals(
                logits("read", new AlteredCheckpoint(golden).float8(linear.asMatchPredicate(), 16, 40, true)),
                logits("stored", new AlteredCheckpoint(golden).float8(linear.asMatchPredicate(), 16, 40, false)));
    }

    @Test
    void aSourceSaysThatItIsReadAsAnotherType() throws IOException {
        try (ModelSource stored = ModelSource.open(checkpoint(false).write(directory.resolve("stored")));
                ModelSource read = ModelSource.open(checkpoint(true).write(directory.resolve("read")))) {
            String text = String.valueOf(stored.metadata().get("fp8"));
            assertTrue(text.matches("[1-9][0-9]+ tensors, read as bf16"), text);
            assertEquals(Map.of(), read.metadata());
        }
    }

    @Test
    void aCodeThatIsNoNumberIsRefusedByName() throws IOException {
        String name = "model.layers.1.mlp.experts.3.up_proj.weight";
        Path path = checkpoint(false).setByte(name, 70, 0xFF).write(directory.resolve("nan"));
        String message = refusal(path);
        assertTrue(message.contains("tensor " + name + ": expected finite weights"), message);
    }

    @Test
    void missingFactorsAreRefusedByName() throws IOException {
        String name = "model.layers.0.self_attn.kv_b_proj.weight_scale_inv";
        String message = refusal(checkpoint(false).remove(name).write(directory.resolve("missing")));
        assertTrue(message.contains(name) && message.endsWith("found no such tensor"), message);
    }

    private static AlteredCheckpoint checkpoint(boolean asRead) {
        return new AlteredCheckpoint(CASE).float8(LINEAR.asMatchPredicate(), 24, 40, asRead);
    }

    private String refusal(Path checkpoint) {
        return String.valueOf(assertThrows(
                        MalformedModelException.class, () -> imported(checkpoint, directory.resolve("refused.mtier")))
                .getMessage());
    }

    private float[] logits(String name, AlteredCheckpoint checkpoint) throws IOException {
        Path store = imported(checkpoint.write(directory.resolve(name)), directory.resolve(name + ".mtier"));
        try (Engine engine = Engine.open(store, EngineConfig.DEFAULT);
                Session session = engine.newSession()) {
            session.prefill(new int[] {1, 17, 300, 5, 42});
            return session.logits().clone();
        }
    }

    private static Path imported(Path checkpoint, Path store) {
        try (ModelSource source = ModelSource.open(checkpoint)) {
            new CheckpointImporter(source, Quantisation.KEEP).run(store, false, bytes -> {});
        }
        return store;
    }
}
