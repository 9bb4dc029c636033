package io.moetier.runtime.convert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.storage.format.Floats;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The layouts that checkpoints of one family come in give the same bits.
class LayoutsTest {
    private static final Predicate<String> LINEAR = Pattern.compile(
                    "model\\.language_model\\..*_proj(_qkv|_z)?\\.weight")
            .asMatchPredicate();

    private static final Predicate<String> OF_TOWERS = Pattern.compile(
                    "(model\\.visual|(model\\.)?vision_tower|vision_model|model\\.embed_vision|multi_modal_projector)\\..*")
            .asMatchPredicate();

    @TempDir
    Path directory;

    @Test
    void expertsMayLieOneByOne() throws IOException {
        assertSameLogits(qwen(), qwen().expertsApart());
    }

    @Test
    void expertsOfGemmaMayLieOneByOne() throws IOException {
        assertSameLogits(gemma(), gemma().expertsApart());
    }

    @Test
    void expertsInEightBitsLieOneByOne() throws IOException {
        assertSameLogits(
                qwen().expertsApart().float8(LINEAR, 24, 40, true),
                qwen().expertsApart().float8(LINEAR, 24, 40, false));
    }

    @Test
    void theLanguageModelMayBeAlone() throws IOException {
        AlteredCheckpoint alone = qwen().configOf("text_config")
                .rename(name -> name.startsWith("model.visual.")
                        ? Optional.empty()
                        : Optional.of(name.replace("language_model.", "")));
        assertSameLogits(qwen(), alone);
    }

    /// Transformers 5 puts `model.` in front of what is inside the model, and the head outside.
    @ParameterizedTest
    @ValueSource(strings = {"internvl_qwen3_moe", "llama4_scout_image"})
    void namesMayBeThoseOfTransformers5(String name) throws IOException {
        AlteredCheckpoint saved = new AlteredCheckpoint(TestData.golden(name))
                .rename(tensor -> Optional.of(
                        tensor.startsWith("language_model.lm_head.")
                                ? tensor.substring("language_model.".length())
                                : "model." + tensor.replace("language_model.model.", "language_model.")));
        assertSameLogits(new AlteredCheckpoint(TestData.golden(name)), saved);
        try (ModelSource source = ModelSource.open(directory.resolve("other"))) {
            assertFalse(source.whyNoPictures().isPresent());
        }
    }

    /// Its configuration still has the tower.
    @ParameterizedTest
    @FieldSource("io.moetier.testdata.TestData#GOLDEN_IMAGE_CASES")
    void aTextModelMayComeWithTheConfigurationOfOneThatSees(String name) throws IOException {
        AlteredCheckpoint text = new AlteredCheckpoint(TestData.golden(name))
                .rename(tensor -> Optional.of(tensor).filter(OF_TOWERS.negate()));
        assertSameLogits(new AlteredCheckpoint(TestData.golden(name)), text);
        try (ModelSource source = ModelSource.open(directory.resolve("other"))) {
            assertTrue(source.whyNoPictures().isPresent());
            assertEquals(Optional.empty(), source.spec().vision());
        }
        try (ModelSource source = ModelSource.open(directory.resolve("one"))) {
            assertFalse(source.whyNoPictures().isPresent());
        }
    }

    /// GLM-4.5V has the names of transformers, Kimi those of its own code.
    @ParameterizedTest
    @CsvSource({
        "glm4_moe, glm4v_moe, model.language_model., '', model.visual.merger.proj.weight",
        "deepseek_v3, kimi_vl, language_model.model., language_model., multi_modal_projector.linear_1.weight",
        "deepseek_v3_yarn, kimi_k25, language_model.model., language_model., mm_projector.proj.0.weight",
        "mistral4, mistral3, language_model.model., language_model., vision_tower.patch_conv.weight",
        "step3p5, step3p7, model., '', vit_large_projector.weight"
    })
    void theLanguageModelMayStandBehindATowerThatIsNotRead(
            String name, String modelType, String inside, String outside, String ofTower) throws IOException {
        AlteredCheckpoint behind = new AlteredCheckpoint(TestData.golden(name))
                .configInside(modelType, "text_config")
                .rename(tensor -> Optional.of(
                        tensor.startsWith("model.") ? inside + tensor.substring("model.".length()) : outside + tensor))
                .put(ofTower, "BF16", 4L, 4L);
        assertSameLogits(new AlteredCheckpoint(TestData.golden(name)), behind);
        try (ModelSource source = ModelSource.open(directory.resolve("other"))) {
            assertEquals(1, source.numEncoderTensors());
        }
    }

    /// In Qwen3-Omni, which has another one that speaks.
    @Test
    void theLanguageModelMayBeTheOneThatThinks() throws IOException {
        AlteredCheckpoint omni = new AlteredCheckpoint(TestData.golden("qwen3_moe"))
                .configInside("qwen3_omni_moe_thinker", "text_config")
                .configInside("qwen3_omni_moe", "thinker_config")
                .rename(tensor -> Optional.of("thinker." + tensor))
                .put("thinker.audio_tower.proj1.weight", "BF16", 4L, 4L)
                .put("thinker.visual.merger.mlp.0.weight", "BF16", 4L, 4L)
                .put("talker.model.norm.weight", "BF16", 4L);
        assertSameLogits(new AlteredCheckpoint(TestData.golden("qwen3_moe")), omni);
        try (ModelSource source = ModelSource.open(directory.resolve("other"))) {
            assertEquals(2, source.numEncoderTensors());
        }
    }

    /// Two neighbouring elements are a byte, the first in its lower half, and 32 have an exponent, as experts of
    /// DeepSeek-V4.
    @Test
    void expertsOfFourBitsMayHaveExponentsBesideThem() throws IOException {
        String name = "layers.1.ffn.experts.3.w1";
        AlteredCheckpoint packed = new AlteredCheckpoint(TestData.golden("deepseek_v4"))
                .replace(name + ".weight", "I8", 32L, 32L)
                .setByte(name + ".weight", 17, 0x2F)
                .put(name + ".scale", "F8_E8M0", 32L, 2L)
                .setByte(name + ".scale", 1, 129);
        try (ModelSource source = ModelSource.open(packed.write(directory.resolve("packed")));
                Arena arena = Arena.ofConfined()) {
            LinearSpec gate =
                    source.spec().moeLayers().get(1).experts().get(3).gate().orElseThrow();
            assertEquals(DType.MXFP4, source.require(gate).dtype());
            MemorySegment row = arena.allocate(DType.MXFP4.bytes(64));
            source.read(gate, 0, row);
            float[] found = new float[64];
            Floats.decode(DType.MXFP4, row, 64, found, 0);
            float[] expected = new float[64];
            expected[34] = -6 * 4;
            expected[35] = 1 * 4;
            assertArrayEquals(expected, found);
        }
    }

    @Test
    void aTowerThatLacksATensorIsRefused() throws IOException {
        String lacking = "vision_tower.encoder.layer.1.lambda_2";
        Path altered = new AlteredCheckpoint(TestData.golden("internvl_qwen3_moe"))
                .remove(lacking)
                .write(directory.resolve("lacking"));
        try (ModelSource source = ModelSource.open(altered)) {
            CheckpointImporter importer = new CheckpointImporter(source, Quantisation.KEEP);
            MalformedModelException refused = assertThrows(MalformedModelException.class, importer::storeBytes);
            assertTrue(String.valueOf(refused.getMessage()).contains(lacking), refused::getMessage);
        }
    }

    @Test
    void theLanguageModelOfGemmaMayBeAlone() throws IOException {
        AlteredCheckpoint alone = gemma().configOf("text_config")
                .rename(name -> name.startsWith("model.language_model.")
                        ? Optional.of(name.replace("language_model.", ""))
                        : Optional.empty());
        assertSameLogits(gemma(), alone);
    }

    @Test
    void factorsOfEightBitsMayBeCalledScale() throws IOException {
        Predicate<String> linear = name -> name.matches("layers\\..*\\.(w[123]|w[qo]_[ab]|wkv)\\.weight");
        assertSameLogits(
                deepseek().float8(linear, 24, 40, false),
                deepseek()
                        .float8(linear, 24, 40, false)
                        .rename(name -> Optional.of(name.replace(".weight_scale_inv", ".scale"))));
    }

    private static AlteredCheckpoint deepseek() {
        return new AlteredCheckpoint(TestData.golden("deepseek_v4"));
    }

    @Test
    void tensorsThatAreLeftOutAreCounted() {
        try (ModelSource source = ModelSource.open(TestData.golden("qwen3_5_moe_mtp"))) {
            assertEquals(0, source.numEncoderTensors(), "those of a tower that is read");
            assertEquals(19, source.numGuessingTensors());
        }
        try (ModelSource source = ModelSource.open(TestData.golden("minimax_m3"))) {
            assertEquals(27, source.numEncoderTensors());
        }
        try (ModelSource source = ModelSource.open(TestData.golden("gemma4_moe"))) {
            assertEquals(0, source.numEncoderTensors());
        }
    }

    private static AlteredCheckpoint qwen() {
        return new AlteredCheckpoint(TestData.golden("qwen3_5_moe"));
    }

    private static AlteredCheckpoint gemma() {
        return new AlteredCheckpoint(TestData.golden("gemma4_moe"));
    }

    private void assertSameLogits(AlteredCheckpoint one, AlteredCheckpoint other) throws IOException {
        assertArrayEquals(one.logits(directory, "one"), other.logits(directory, "other"));
    }
}
