package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.convert.LlamaCppFile;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.model.spec.RouterSpec;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Golden cases in GGUF files as Ollama's own converter wrote them give the reference's logits, choices and tokens.
/// Names and keys are from that converter and from the layer by which Ollama gives such files to llama.cpp.
class OllamaFilesTest {
    @TempDir
    Path directory = Path.of("");

    private static LlamaCppFile file(String name) {
        return LlamaCppFile.of(GoldenCase.read(name).directory());
    }

    private void assertGolden(String name, LlamaCppFile file) throws IOException {
        Path written = file.write(directory.resolve("ollama-" + name + ".gguf"));
        GgufArchitecturesTest.assertGolden(name, GoldenCase.read(name), written);
    }

    @ParameterizedTest
    @ValueSource(strings = {"qwen3_next", "qwen3_5_moe", "nemotron_h_moe"})
    void widthsOfExpertsAreThoseOfTheirTensorsWhereNoKeySaysThem(String name) throws IOException {
        LlamaCppFile file = file(name);
        for (String architecture : new String[] {"qwen3next", "qwen35moe", "nemotron_h_moe"}) {
            file.without(architecture + ".expert_feed_forward_length")
                    .without(architecture + ".expert_shared_feed_forward_length");
        }
        assertGolden(name, file);
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt_oss", "gpt_oss_mxfp4"})
    void gptOssHasNamesOfItsOwn(String name) throws IOException {
        assertGolden(name, gptOss(name));
    }

    private static LlamaCppFile gptOss(String name) {
        return file(name)
                .without("gpt-oss.expert_feed_forward_length")
                .without("gpt-oss.rope.scaling.type")
                .ofArchitecture("gptoss")
                .renamedInLayers("attn_output", "attn_out")
                .renamedInLayers("attn_sinks.weight", "attn_sinks")
                .renamedInLayers("post_attention_norm", "ffn_norm");
    }

    /// Their type has a number of its own.
    @Test
    void expertsOfGptOssMayLieAsInTheCheckpoint() throws IOException {
        assertGolden(
                "gpt_oss_mxfp4",
                gptOss("gpt_oss_mxfp4").withExpertsAsPublished().withMatricesTogether());
    }

    /// There, keys of heads have the names of keys of latents.
    @Test
    void glmLiteIsAnArchitectureOfItsOwn() throws IOException {
        assertGolden(
                "glm4_moe_lite",
                file("glm4_moe_lite")
                        .with("attention.key_length", 24)
                        .with("attention.value_length", 32)
                        .with("attention.key_length_mla", 40)
                        .with("attention.value_length_mla", 32)
                        .ofArchitecture("glm4moelite"));
    }

    /// `expert_weights_norm` is called after the checkpoint's key.
    @Test
    void weightsOfQwenAreRenormalisedUnlessTheFileSaysOtherwise() throws IOException {
        LlamaCppFile file = file("qwen3_vl_moe").without("qwen3vlmoe.expert_weights_norm");
        assertTrue(isRenormalised(file));
        assertTrue(isRenormalised(file.with("norm_top_k_prob", true)));
        assertFalse(isRenormalised(file.with("norm_top_k_prob", false)));
    }

    private boolean isRenormalised(LlamaCppFile file) throws IOException {
        try (ModelSource source = ModelSource.open(file.write(directory.resolve("weights.gguf")))) {
            RouterSpec router = source.spec().moeLayers().getFirst().router();
            return router.routing().normalisation().isPresent();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"qwen3_next", "qwen3_5_moe"})
    void stepsOfDeltasAreNotCalledABias(String name) throws IOException {
        assertGolden(name, file(name).renamedInLayers("ssm_dt.bias", "ssm_dt"));
    }

    @Test
    void latentsOfNemotronGoInAndOut() throws IOException {
        assertGolden(
                "nemotron_h_moe_latent",
                file("nemotron_h_moe_latent")
                        .without("nemotron_h_moe.moe_latent_size")
                        .renamedInLayers("ffn_latent_down", "ffn_latent_in")
                        .renamedInLayers("ffn_latent_up", "ffn_latent_out"));
    }

    @Test
    void nemotronWithEncodersIsAnArchitectureOfItsOwn() throws IOException {
        assertGolden(
                "nemotron_h_moe",
                file("nemotron_h_moe")
                        .ofArchitecture("nemotron_h_omni")
                        .withOther("v.blk.0.attn_q.weight")
                        .withOther("a.subsampling.conv0.weight")
                        .withOther("mm.a.norm.weight"));
    }

    @Test
    void factorsOfGemmasExpertsStandBesideTheRouter() throws IOException {
        assertGolden(
                "gemma4_moe",
                file("gemma4_moe").renamedInLayers("ffn_down_exps.scale", "ffn_gate_inp.per_expert_scale"));
    }

    @Test
    void encodersAndLayersThatGuessInTheSameFileAreCountedAndLeftOut() throws IOException {
        LlamaCppFile file = file("qwen3_5_moe")
                .withOther("v.blk.0.attn_q.weight")
                .withOther("mm.0.weight")
                .withOther("mtp.fc.weight");
        Path written = file.write(directory.resolve("beside.gguf"));
        try (ModelSource source = ModelSource.open(written)) {
            assertEquals(2, source.numEncoderTensors());
            assertEquals(1, source.numGuessingTensors());
        }
        assertGolden("qwen3_5_moe", file);
    }
}
