package io.moetier.runtime.convert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.format.GgufParts;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Which file with a tower is taken, and what is said of one that does not fit.
class MmprojTest {
    private static final Path GOLDEN = TestData.golden("internvl_qwen3_moe");
    private static final int DAMAGES = 400;

    @TempDir
    Path directory = Path.of("");

    private Path model = Path.of("");

    @BeforeEach
    void writeModel() throws IOException {
        model = LlamaCppFile.withImageToken(GOLDEN)
                .write(Files.createDirectory(directory.resolve("models")).resolve("model.gguf"));
    }

    private Path beside(String name) {
        return model.resolveSibling(name);
    }

    private static LlamaCppMmproj tower() {
        return LlamaCppMmproj.of(GOLDEN);
    }

    @Test
    void theOnlyFileBesideTheModelIsTaken() throws IOException {
        Path tower = tower().write(beside("model-mmproj-F16.gguf"));
        try (ModelSource source = ModelSource.open(model)) {
            assertEquals(Optional.of(new ModelSource.Tower(tower, true)), source.tower());
            assertTrue(source.spec().vision().isPresent());
            assertEquals("internvl", source.spec().family());
            long headers = Files.size(model) + Files.size(tower) - source.totalBytes();
            assertTrue(headers > 0 && headers < 64 << 10, () -> headers + " bytes of headers");
        }
    }

    @Test
    void ofSeveralNoneIsTaken() throws IOException {
        tower().write(beside("mmproj-BF16.gguf"));
        tower().write(beside("mmproj-F16.gguf"));
        try (ModelSource source = ModelSource.open(model)) {
            assertEquals(Optional.empty(), source.tower());
            assertEquals("qwen3_moe", source.spec().family());
            assertEquals(
                    Optional.of("several files beside the model have a tower for them"
                            + " (mmproj-BF16.gguf, mmproj-F16.gguf)"),
                    source.whyNoPictures());
        }
        try (ModelSource source = ModelSource.open(model, Optional.of(beside("mmproj-F16.gguf")))) {
            assertEquals(Optional.of(new ModelSource.Tower(beside("mmproj-F16.gguf"), false)), source.tower());
        }
    }

    @Test
    void filesOfOtherModelsDoNotCount() throws IOException {
        Path other = tower().with("clip.projector_type", "gemma3").write(beside("mmproj-gemma.gguf"));
        try (ModelSource source = ModelSource.open(model)) {
            assertEquals(Optional.empty(), source.tower());
            assertEquals(
                    Optional.of("no file beside the model has a tower for them (" + other
                            + ": clip.projector_type: expected internvl, which goes with the language model,"
                            + " found gemma3)"),
                    source.whyNoPictures());
        }
        tower().write(beside("mmproj-model.gguf"));
        try (ModelSource source = ModelSource.open(model)) {
            assertEquals(Optional.of(new ModelSource.Tower(beside("mmproj-model.gguf"), true)), source.tower());
            assertEquals(Optional.empty(), source.whyNoPictures());
        }
    }

    @Test
    void noFileIsNoReason() {
        try (ModelSource source = ModelSource.open(model)) {
            assertEquals(Optional.empty(), source.tower());
            assertEquals(Optional.empty(), source.whyNoPictures());
        }
    }

    @Test
    void theFingerprintIsOfBothFilesAndOfHowTheyAreRead() throws IOException {
        String alone = fingerprint();
        try (GgufParts parts = GgufParts.open(model)) {
            assertNotEquals(parts.fingerprint(), alone); // which stores of the first reading have
        }
        tower().write(beside("mmproj.gguf"));
        String both = fingerprint();
        tower().withTensor("mm.model.mlp.3.bias", new float[64]).write(beside("mmproj.gguf"));
        assertNotEquals(alone, both);
        assertNotEquals(both, fingerprint());
    }

    private String fingerprint() {
        try (ModelSource source = ModelSource.open(model)) {
            return source.fingerprint();
        }
    }

    @Test
    void encodersOfSoundAreCountedAndLeftOut() throws IOException {
        Path tower = tower().withTensor("a.conv1d.0.bias", 1)
                .withTensor("mm.a.mlp.1.bias", 1)
                .with("clip.vision.projector_type", "internvl")
                .withoutKey("clip.projector_type")
                .write(beside("both.gguf"));
        try (ModelSource source = ModelSource.open(model, Optional.of(tower))) {
            assertEquals(2, source.numEncoderTensors());
        }
    }

    @Test
    void whatIsNoTowerOfTheModelIsRefusedBySentence() throws IOException {
        assertRefused(
                model,
                "general.architecture: expected clip, as files with a tower for images (mmproj) have it, found"
                        + " qwen3moe");
        assertRefused(
                tower().with("clip.projector_type", "new").write(directory.resolve("a.gguf")),
                "clip.projector_type: expected internvl, which goes with the language model, found new");
        assertRefused(
                tower().with("clip.vision.projection_dim", 2048).write(directory.resolve("a.gguf")),
                "clip.vision.projection_dim: expected 64, as wide as the language model, found 2048");
        assertRefused(
                tower().with("clip.has_vision_encoder", false).write(directory.resolve("a.gguf")),
                "clip.has_vision_encoder: expected true, found false");
        assertRefused(
                tower().withoutKey("clip.use_gelu").write(directory.resolve("a.gguf")),
                "clip.use_gelu: expected true, since no other function is supported, found nothing");
        assertRefused(
                tower().with("clip.vision.feature_layer", List.of(-2)).write(directory.resolve("a.gguf")),
                "clip.vision.feature_layer: expected none, since the last layer is read, found [-2]");
        assertRefused(
                tower().with("clip.vision.attention.head_count", 5).write(directory.resolve("a.gguf")),
                "clip.vision.attention.head_count: expected as many equal heads of 32 elements, each a multiple of 1,"
                        + " found 5");
        assertRefused(
                tower().with("clip.vision.image_std", List.of(0f, 1f, 1f)).write(directory.resolve("a.gguf")),
                "clip.vision.image_std: expected three numbers from 1.0E-9 to 1.0E9, found [0.0, 1.0, 1.0]");
        assertRefused(
                tower().without("v.blk.1.ls2.weight").write(directory.resolve("a.gguf")),
                "tensor v.blk.1.ls2.weight: expected shape [32], found no such tensor");
        assertRefused(
                tower().withTensor("v.blk.1.ls2.weight", 1, 2).write(directory.resolve("a.gguf")),
                "tensor v.blk.1.ls2.weight: expected shape [32], found [2]");
        assertRefused(
                tower().withTensor("v.blk.1.more.weight", 1, 2).write(directory.resolve("a.gguf")),
                "tensor v.blk.1.more.weight: expected only tensors that the tower has, found this one");
    }

    @Test
    void whatIsNoTowerOfQwenIsRefusedBySentence() throws IOException {
        Path golden = TestData.golden("qwen3_vl_moe");
        model = LlamaCppFile.withImageToken(golden).write(directory.resolve("qwen.gguf"));
        Path tower = directory.resolve("a.gguf");
        assertRefused(
                LlamaCppMmproj.of(golden).without("v.patch_embd.weight.1").write(tower),
                "tensor v.patch_embd.weight.1: expected shape [32, 192], found no such tensor");
        assertRefused(
                LlamaCppMmproj.of(golden).without("v.position_embd.weight").write(tower),
                "tensor v.position_embd.weight: expected a matrix, found no such tensor");
        assertRefused(
                LlamaCppMmproj.of(golden)
                        .with("clip.vision.is_deepstack_layers", List.of(1, 0))
                        .write(tower),
                "clip.vision.is_deepstack_layers: expected true or false for each layer, found [1, 0]");
        assertRefused(
                LlamaCppMmproj.of(golden)
                        .with("clip.vision.is_deepstack_layers", List.of(false, false, false, false, true))
                        .write(tower),
                "clip.vision.is_deepstack_layers: expected layers 0 to 3, found 4");
        assertRefused(
                LlamaCppMmproj.of(golden)
                        .with("clip.vision.is_deepstack_layers", List.of(true, false, false, false))
                        .write(tower),
                "tensor v.deepstack.2.fc1.bias: expected only tensors that the tower has, found this one");
        assertRefused(
                LlamaCppMmproj.of(golden)
                        .with("clip.vision.spatial_merge_size", 3)
                        .write(tower),
                "tensor mm.0.weight: expected shape [288, 288], found [128, 128]");
        assertRefused(
                LlamaCppMmproj.of(golden)
                        .with("clip.vision.image_max_pixels", 7)
                        .write(tower),
                "clip.vision.image_max_pixels: expected at least 1024, found 7");
        assertRefused(
                LlamaCppMmproj.of(golden)
                        .with("clip.vision.image_min_pixels", 0)
                        .write(tower),
                "clip.vision.image_min_pixels: expected an integer from 1 to 100000000, found 0");
        assertRefused(
                tower().write(tower),
                "clip.projector_type: expected qwen3vl_merger, which goes with the language model, found internvl");
    }

    @Test
    void aLanguageModelWithoutPlacesOfImagesIsRefusedBySentence() throws IOException {
        Path golden = TestData.golden("qwen3_vl_moe");
        Path text = LlamaCppFile.withImageToken(golden)
                .without("qwen3vlmoe.rope.dimension_sections")
                .write(directory.resolve("qwen.gguf"));
        Path tower = LlamaCppMmproj.of(golden).write(directory.resolve("a.gguf"));
        assertEquals(
                text + ": qwen3vlmoe.rope.dimension_sections: expected pairs rotated by time, height and width of an"
                        + " image's place, found nothing",
                assertThrows(
                                MalformedModelException.class,
                                () -> ModelSource.open(text, Optional.of(tower)).close())
                        .getMessage());
    }

    private void assertRefused(Path tower, String sentence) {
        MalformedModelException e = assertThrows(
                MalformedModelException.class,
                () -> ModelSource.open(model, Optional.of(tower)).close());
        assertEquals(tower + ": " + sentence, e.getMessage());
    }

    @Test
    void modelsWithoutTowersAndFilesThatAreNoneAreRefusedBySentence() throws IOException {
        Path tower = tower().write(directory.resolve("a.gguf"));
        Path other = LlamaCppFile.of(TestData.golden("jamba")).write(directory.resolve("jamba.gguf"));
        assertEquals(
                other + ": general.architecture: expected one whose models may have a tower for images: gemma4,"
                        + " llama4, qwen35moe, qwen3moe, qwen3vlmoe, found jamba",
                assertThrows(
                                MalformedModelException.class,
                                () -> ModelSource.open(other, Optional.of(tower))
                                        .close())
                        .getMessage());
        assertEquals(
                tower + ": general.architecture: expected that of a language model, beside which this tower for"
                        + " images is, found clip",
                assertThrows(
                                MalformedModelException.class,
                                () -> ModelSource.open(tower).close())
                        .getMessage());
        assertEquals(
                tower + " has the tower of a model in a GGUF file; " + GOLDEN + " is none",
                assertThrows(
                                IllegalArgumentException.class,
                                () -> ModelSource.open(GOLDEN, Optional.of(tower))
                                        .close())
                        .getMessage());
        Path wordless = LlamaCppFile.of(GOLDEN).write(directory.resolve("wordless.gguf"));
        assertEquals(
                wordless + ": tokenizer.ggml.tokens: expected <IMG_CONTEXT>, which stands for images, found no such"
                        + " token",
                assertThrows(
                                MalformedModelException.class,
                                () -> ModelSource.open(wordless, Optional.of(tower))
                                        .close())
                        .getMessage());
    }

    /// Whatever a header says, it is read or refused by a sentence that names the file.
    @Test
    void damagedHeadersAreRefusedBySentence() throws IOException {
        byte[] sound = Files.readAllBytes(tower().write(directory.resolve("sound.gguf")));
        Path damaged = directory.resolve("damaged.gguf");
        Random random = new Random(20261129);
        int refused = 0;
        for (int i = 0; i < DAMAGES; i++) {
            byte[] bytes = sound.clone();
            int header = 3000;
            for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
                bytes[random.nextInt(header)] = (byte) random.nextInt(256);
            }
            Files.write(damaged, bytes);
            try (ModelSource source = ModelSource.open(model, Optional.of(damaged))) {
                assertTrue(source.spec().vision().isPresent());
            } catch (MalformedModelException e) {
                assertTrue(String.valueOf(e.getMessage()).startsWith(damaged + ": "), e::getMessage);
                refused++;
            }
        }
        assertTrue(refused > DAMAGES / 2, "only " + refused + " were refused");
    }
}
