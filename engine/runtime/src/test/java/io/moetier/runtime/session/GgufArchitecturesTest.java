package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.FfnActivation;
import io.moetier.kernels.device.KvType;
import io.moetier.kernels.device.LatentShape;
import io.moetier.kernels.device.RopeTable;
import io.moetier.runtime.convert.LlamaCppFile;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.model.spec.AttentionSpec;
import io.moetier.runtime.model.spec.DenseSpec;
import io.moetier.runtime.model.spec.LatentAttentionSpec;
import io.moetier.runtime.model.spec.MixerSpec;
import io.moetier.runtime.model.spec.RopeSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import io.moetier.runtime.model.spec.TemperatureSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Golden cases in GGUF files as llama.cpp's converter names and shapes them give the reference's logits, choices and
/// tokens.
class GgufArchitecturesTest {
    /// The reference sums in another order.
    private static final double TOLERANCE = 1e-4;

    @TempDir
    Path directory = Path.of("");

    @ParameterizedTest
    @ValueSource(
            strings = {
                "afmoe",
                "bailing_moe",
                "dbrx",
                "deepseek_v2",
                "deepseek_v2_lite",
                "deepseek_v3",
                "deepseek_v3_yarn",
                "deepseek_v32",
                "deepseek_v4",
                "dots1",
                "gemma4_moe",
                "ernie4_5_moe",
                "exaone_moe",
                "glm4_moe",
                "glm4_moe_qknorm",
                "glm4_moe_lite",
                "glm_moe_dsa",
                "gpt_oss",
                "gpt_oss_mxfp4",
                "granitemoe",
                "granitemoehybrid",
                "granitemoeshared",
                "hunyuan_v1_moe",
                "hy_v3",
                "jamba",
                "kimi_linear",
                "lfm2_moe",
                "mimo_v2_flash",
                "minimax_m2",
                "minimax_m3",
                "mistral4",
                "nemotron_h_moe",
                "nemotron_h_moe_latent",
                "qwen3_5_moe",
                "qwen3_next",
                "step3p5"
            })
    void everyGoldenCaseGivesTheReferencesLogitsChoicesAndTokens(String name) throws IOException {
        GoldenCase golden = GoldenCase.read(name);
        Path file = LlamaCppFile.of(golden.directory()).write(directory.resolve("gguf-" + name + ".gguf"));
        assertGolden(name, golden, file);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"glm4_moe", "granitemoe", "mimo_v2_flash", "minimax_m2", "qwen3_5_moe", "qwen3_next", "step3p5"})
    void filesWithMatricesTogetherGiveTheSame(String name) throws IOException {
        GoldenCase golden = GoldenCase.read(name);
        Path file = LlamaCppFile.of(golden.directory())
                .withMatricesTogether()
                .write(directory.resolve("gguf-joined-" + name + ".gguf"));
        assertGolden(name, golden, file);
    }

    @Test
    void expertsOfFourBitsLieBesideOtherTypes() throws IOException {
        GoldenCase golden = GoldenCase.read("gpt_oss_mxfp4");
        Path file = LlamaCppFile.of(golden.directory()).withTypesMixed().write(directory.resolve("gguf-mixed.gguf"));
        try (ModelSource source = ModelSource.open(file)) {
            DenseSpec expert = source.spec().moeLayers().getFirst().experts().getFirst();
            assertEquals(DType.MXFP4, source.require(expert.up()).dtype());
            assertEquals(DType.F32, source.require(expert.down()).dtype());
            AttentionSpec attention =
                    source.spec().blocks(AttentionSpec.class).findFirst().orElseThrow();
            assertEquals(
                    DType.BF16, source.require(attention.projections().query()).dtype());
        }
        assertGolden("gpt_oss_mxfp4", golden, file);
    }

    @ParameterizedTest
    @ValueSource(strings = {"granitemoehybrid", "kimi_linear", "qwen3_next"})
    void quantisedFilesHaveShapesWithoutLeadingOnes(String name) throws IOException {
        GoldenCase golden = GoldenCase.read(name);
        Path file = LlamaCppFile.of(golden.directory())
                .asQuantised()
                .write(directory.resolve("gguf-quantised-" + name + ".gguf"));
        assertGolden(name, golden, file);
    }

    /// Files of the first converters do not say what values are multiplied by: llama.cpp leaves them as they are then,
    /// and here it is what the published model says. Those that llama.cpp itself saved say 0 for none.
    @Test
    void mimo2MayTellOfLayersThatGuessAndLeaveOutAFactor() throws IOException {
        GoldenCase golden = GoldenCase.read("mimo_v2_flash");
        LlamaCppFile file = LlamaCppFile.of(golden.directory())
                .withGuessingLayer()
                .without("mimo2.attention.value_scale")
                .with("attention.sliding_window_pattern", List.of(false, true, true, false, true))
                .with("attention.head_count_kv", List.of(1, 2, 2, 1, 2));
        assertGolden("mimo_v2_flash", golden, file.write(directory.resolve("gguf-mimo2.gguf")));
        Path saved = LlamaCppFile.of(golden.directory())
                .with("attention.value_scale", 0f)
                .write(directory.resolve("gguf-mimo2-saved.gguf"));
        try (ModelSource source = ModelSource.open(saved)) {
            AttentionSpec attention =
                    source.spec().blocks(AttentionSpec.class).findFirst().orElseThrow();
            assertEquals(1, attention.preparation().valueScale());
        }
        assertRefused(
                file.with("attention.head_count_kv", List.of(1, 2)),
                "mimo2.attention.head_count_kv: expected one number for each of 4 layers, found 2");
        assertRefused(
                file.with("attention.sliding_window_pattern", List.of(0, 1)),
                "mimo2.attention.sliding_window_pattern: expected true or false for each of 4 layers, found [0, 1]");
    }

    /// Lists go on for layers that guess, and one number may be of all layers. Factors of a converter that takes whole
    /// heads to be rotated are read as they are.
    @Test
    void step35ListsHeadsAndLimitsOfEachLayer() throws IOException {
        GoldenCase golden = GoldenCase.read("step3p5");
        LlamaCppFile file = LlamaCppFile.of(golden.directory())
                .withGuessingLayer()
                .with("attention.sliding_window_pattern", List.of(false, true, true, false, true))
                .with("attention.head_count", List.of(4, 6, 6, 4, 6))
                .with("attention.head_count_kv", List.of(2, 3, 3, 2, 3))
                .with("swiglu_clamp_exp", List.of(0f, 0f, 0.5f, 0.75f, 0f))
                .without("step35.expert_gating_func");
        assertGolden("step3p5", golden, file.write(directory.resolve("gguf-step35.gguf")));
        assertRefused(
                file.with("attention.head_count", List.of(4, 6)),
                "step35.attention.head_count: expected one number for each of 4 layers, found 2");
        assertRefused(
                file.with("attention.head_count", List.of(4, 7, 7, 4)),
                "step35.attention.head_count_kv: expected a divisor of 7, found 3");
        file.with("attention.head_count", List.of(4, 6, 6, 4)).with("swiglu_clamp_shexp", 7f);
        try (ModelSource source = ModelSource.open(file.write(directory.resolve("gguf-limited.gguf")))) {
            assertEquals(
                    new FfnActivation.CappedSwiGlu(7),
                    source.spec()
                            .blocks(DenseSpec.class)
                            .findFirst()
                            .orElseThrow()
                            .activation());
        }
        assertRefused(
                file.without("step35.expert_weights_norm"),
                "step35.expert_weights_norm: expected true, as models without it are not supported, found false");
        assertRefused(
                LlamaCppFile.of(golden.directory()).with("rope.dimension_count", 8),
                "step35.rope.dimension_count: expected 16, the size of a head, found 8");
        assertRefused(
                LlamaCppFile.of(golden.directory()).with("rope.dimension_count_swa", 8),
                "step35.rope.dimension_count_swa: expected 16, the size of a head, found 8");
        assertRefused(
                LlamaCppFile.of(golden.directory()).with("expert_gating_func", 1),
                "step35.expert_gating_func: expected 2, since no other is supported, found 1");
    }

    /// As llama.cpp takes them to be, or counts them by one number.
    @Test
    void everyFourthLayerOfExaoneIsFullWhereNoneIsListed() throws IOException {
        GoldenCase golden = GoldenCase.read("exaone_moe");
        LlamaCppFile file = LlamaCppFile.of(golden.directory());
        Path counted =
                file.with("attention.sliding_window_pattern", 4).write(directory.resolve("gguf-counted-exaone.gguf"));
        assertGolden("exaone_moe", golden, counted);
        Path unsaid = file.without("exaone-moe.attention.sliding_window_pattern")
                .write(directory.resolve("gguf-unsaid-exaone.gguf"));
        assertGolden("exaone_moe", golden, unsaid);
        assertRefused(
                file.with("attention.sliding_window_pattern", List.of(true, false)),
                "exaone-moe.attention.sliding_window_pattern: expected one entry for each of 4 layers, found 2");
        assertRefused(
                file.with("attention.sliding_window_pattern", 4).with("swiglu_clamp_exp", 7f),
                "exaone-moe.swiglu_clamp_exp: expected 0.0, since no other is supported, found 7.0");
    }

    /// Sigmoids have corrections.
    @Test
    void filesThatDoNotSayHowExpertsAreChosenAreKnownByTheirTensors() throws IOException {
        GoldenCase golden = GoldenCase.read("deepseek_v3");
        assertGolden(
                "deepseek_v3",
                golden,
                LlamaCppFile.of(golden.directory())
                        .without("deepseek2.expert_gating_func")
                        .write(directory.resolve("gguf-unsaid.gguf")));
        assertGolden(
                "deepseek_v3",
                golden,
                LlamaCppFile.of(golden.directory())
                        .with("expert_gating_func", 0)
                        .write(directory.resolve("gguf-none.gguf")));
    }

    /// As Mistral Large 3 has them.
    @Test
    void softmaxesOfDeepseek2MayBeRenormalised() throws IOException {
        LlamaCppFile file =
                LlamaCppFile.of(GoldenCase.read("deepseek_v2").directory()).with("expert_weights_norm", true);
        try (ModelSource source = ModelSource.open(file.write(directory.resolve("gguf-renormalised.gguf")))) {
            assertTrue(source.spec()
                    .moeLayers()
                    .getFirst()
                    .router()
                    .routing()
                    .normalisation()
                    .isPresent());
        }
        assertRefused(
                file.with("attention.temperature_scale", 0.5f),
                "deepseek2.rope.scaling.type: expected yarn, as the queries have a temperature, found nothing");
    }

    /// As Mistral Large 3 has them.
    @Test
    void queriesOfDeepseek2MayHaveATemperature() throws IOException {
        Path golden = GoldenCase.read("deepseek_v3_yarn").directory();
        int positions = Json.readObject(golden.resolve("config.json"))
                .requireObject("rope_scaling")
                .requireInt("original_max_position_embeddings");
        LlamaCppFile file = LlamaCppFile.of(golden).with("attention.temperature_scale", 0.5f);
        for (LlamaCppFile each : List.of(file, file.with("attention.temperature_length", positions))) {
            try (ModelSource source = ModelSource.open(each.write(directory.resolve("gguf-tempered.gguf")))) {
                LatentAttentionSpec attention = source.spec()
                        .blocks(LatentAttentionSpec.class)
                        .findFirst()
                        .orElseThrow();
                assertEquals(
                        Optional.of(new TemperatureSpec(0.5, positions, 0)),
                        attention.queries().temperature());
                LatentShape shape = attention.shape();
                assertEquals(1 / Math.sqrt(shape.nopeDim() + shape.ropeDim()), shape.scale(), 1e-7, "no magnitude");
            }
        }
        assertRefused(
                file.with("attention.temperature_length", positions + 1),
                "deepseek2.attention.temperature_length: expected " + positions
                        + ", the original context length, found " + (positions + 1));
    }

    private void assertRefused(LlamaCppFile file, String why) throws IOException {
        Path refused = file.write(directory.resolve("gguf-refused.gguf"));
        String said = String.valueOf(assertThrows(MalformedModelException.class, () -> ModelSource.open(refused))
                .getMessage());
        assertTrue(said.contains(why), said);
    }

    @ParameterizedTest
    @ValueSource(strings = {"deepseek_v2_lite", "qwen3_moe"}) // of which one has a factor, and the other none
    void aFactorOfZeroForRoutedExpertsIsNone(String name) throws IOException {
        GoldenCase golden = GoldenCase.read(name);
        assertGolden(
                name,
                golden,
                LlamaCppFile.of(golden.directory())
                        .with("expert_weights_scale", 0f)
                        .write(directory.resolve("gguf-zero-" + name + ".gguf")));
    }

    @Test
    void theLastNormMayHaveItsUsualName() throws IOException {
        GoldenCase golden = GoldenCase.read("lfm2_moe");
        Path file = LlamaCppFile.of(golden.directory())
                .renamed("token_embd_norm.weight", "output_norm.weight")
                .write(directory.resolve("gguf-usual-lfm2_moe.gguf"));
        assertGolden("lfm2_moe", golden, file);
    }

    @ParameterizedTest
    @ValueSource(strings = {"deepseek_v2_lite", "deepseek_v3"})
    void filesOfBeforeKeysAndValuesWereSplitGiveTheSame(String name) throws IOException {
        GoldenCase golden = GoldenCase.read(name);
        Path file = LlamaCppFile.of(golden.directory())
                .withKeysAndValuesTogether()
                .write(directory.resolve("gguf-together-" + name + ".gguf"));
        assertGolden(name, golden, file);
    }

    /// Keys are cut from its columns, which a block holds parts of.
    @Test
    void keysAndValuesTogetherMayLieInBlocks() throws IOException {
        Path golden = GoldenCase.read("deepseek_v3").directory();
        LlamaCppFile file = LlamaCppFile.of(golden).withKeysAndValuesTogether();
        Path plain = file.write(directory.resolve("gguf-together-plain.gguf"));
        Path blocks = file.inBlocks().write(directory.resolve("gguf-together-blocks.gguf"));
        try (ModelSource floats = ModelSource.open(plain);
                ModelSource coded = ModelSource.open(blocks)) {
            LatentAttentionSpec attention =
                    coded.spec().blocks(LatentAttentionSpec.class).findFirst().orElseThrow();
            assertEquals(
                    DType.Q8_0,
                    coded.require(attention.perHead().values().getFirst()).dtype());
            for (LinearSpec keys : attention.perHead().keysTransposed()) {
                assertEquals(DType.F32, coded.require(keys).dtype());
                float[] expected = floats(floats, keys);
                float[] found = floats(coded, keys);
                for (int i = 0; i < expected.length; i++) {
                    assertEquals(expected[i], found[i], 0.005f, keys.weight()); // no step of a block is longer
                }
            }
        }
        int[] prompt = GoldenCase.read("deepseek_v3").inputIds();
        assertEquals(prompt.length, logits(blocks, prompt).size());
    }

    private static float[] floats(ModelSource source, LinearSpec linear) {
        float[] values = new float[linear.rows() * linear.cols()];
        byte[] bytes = new byte[values.length * Float.BYTES];
        source.read(linear, 0, MemorySegment.ofArray(bytes));
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
        return values;
    }

    @Test
    void filesWithGatesApartGiveTheSame() throws IOException {
        GoldenCase golden = GoldenCase.read("gemma4_moe");
        Path file = LlamaCppFile.of(golden.directory())
                .withGatesApart()
                .write(directory.resolve("gguf-apart-gemma4_moe.gguf"));
        assertGolden("gemma4_moe", golden, file);
    }

    @Test
    void filesWithDeltasInOneMatrixByHeadsGiveTheSame() throws IOException {
        Path file = qwen3Next(true).write(directory.resolve("gguf-together-qwen3_next.gguf"));
        assertGolden("qwen3_next", GoldenCase.read("qwen3_next"), file);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void rowsOfBlocksAreFoundWhereverTheyLie(boolean together) throws IOException {
        Path plain = qwen3Next(together).write(directory.resolve("gguf-plain-" + together + ".gguf"));
        Path blocks = qwen3Next(together).inBlocks().write(directory.resolve("gguf-blocks-" + together + ".gguf"));
        try (ModelSource floats = ModelSource.open(plain);
                ModelSource coded = ModelSource.open(blocks)) {
            List<LinearSpec> linears = coded.spec().layers().stream()
                    .flatMap(layer -> layer.sublayers().stream())
                    .map(SublayerSpec::block)
                    .filter(MixerSpec.class::isInstance)
                    .flatMap(mixer -> mixer.linears().stream())
                    .toList();
            assertEquals(12, linears.size()); // 7 of the DeltaNet, 5 of attention
            for (LinearSpec linear : linears) {
                float[] values = floats(floats, linear);
                byte[] found = new byte[values.length / 32 * 34];
                coded.read(linear, 0, MemorySegment.ofArray(found));
                assertArrayEquals(LlamaCppFile.blocks(values), found, linear.weight());
            }
        }
    }

    private static LlamaCppFile qwen3Next(boolean together) {
        LlamaCppFile file = LlamaCppFile.of(GoldenCase.read("qwen3_next").directory());
        return together ? file.withDeltasTogether() : file;
    }

    /// The reference has logits of a text with an image alone.
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theLanguageModelOfQwen3VlGivesWhatTheCheckpointGives(boolean together) throws IOException {
        Path golden = GoldenCase.read("qwen3_vl_moe").directory();
        LlamaCppFile file = LlamaCppFile.of(golden);
        Path written = (together ? file.withMatricesTogether() : file)
                .write(directory.resolve("qwen3_vl_moe-" + together + ".gguf"));
        assertSameLogits(golden, written, "qwen3_vl_moe");
    }

    /// Layers without an indexer of their own have tensors of one in some files, which nothing reads.
    @Test
    void indexersThatNothingReadsAreLeftOut() throws IOException {
        GoldenCase golden = GoldenCase.read("glm_moe_dsa_shared");
        Path file = LlamaCppFile.of(golden.directory())
                .withIndexers(List.of(true, true, false, true))
                .write(directory.resolve("glm_moe_dsa_shared.gguf"));
        assertGolden("glm_moe_dsa_shared", golden, file);
    }

    /// llama.cpp itself saves one number where all layers have the same.
    @Test
    void oneNumberMaySayThatAllLayersHaveAnIndexer() throws IOException {
        Path file = LlamaCppFile.of(GoldenCase.read("glm_moe_dsa_shared").directory())
                .withIndexers(List.of(true, true, false, true))
                .with("attention.indexer.types", 1)
                .with("context_length", 1 << 20) // from here on, files that do not say it have fewer
                .write(directory.resolve("indexers.gguf"));
        try (ModelSource source = ModelSource.open(file)) {
            assertEquals(4, source.spec().indexers().count());
        }
    }

    @Test
    void numbersMaySayWhichLayersSlide() throws IOException {
        GoldenCase golden = GoldenCase.read("gemma4_moe");
        Path file = LlamaCppFile.of(golden.directory())
                .with("attention.sliding_window_pattern", List.of(1, 1, 0))
                .write(directory.resolve("numbers.gguf"));
        assertGolden("gemma4_moe", golden, file);
    }

    /// The file does not say how far apart the router's best probabilities may lie; the family's default is assumed.
    @Test
    void phiMoeGivesWhatItGivesWithItsDefaults() throws IOException {
        Path changed = changed("phimoe", Map.of("router_jitter_noise", 0.01));
        assertSameLogits(changed, LlamaCppFile.of(changed).write(directory.resolve("phimoe.gguf")), "phimoe");
    }

    /// Whether they are rotated the file says as if it told whether a scaling was trained. llama.cpp rotates them where
    /// it says nothing.
    @Test
    void headsOfGraniteHybridAreRotatedIfTheFileSaysSo() throws IOException {
        Path changed = changed("granitemoehybrid", Map.of("position_embedding_type", "rope"));
        LlamaCppFile file = LlamaCppFile.of(changed);
        assertSameLogits(changed, file.write(directory.resolve("granite-rotated.gguf")), "granitemoehybrid");
        assertSameLogits(
                changed,
                file.without("granitehybrid.rope.scaling.finetuned").write(directory.resolve("granite-silent.gguf")),
                "granitemoehybrid");
    }

    @Test
    void weightsOfAfmoeAreRenormalisedUnlessTheFileSaysOtherwise() throws IOException {
        Path changed = changed("afmoe", Map.of("route_norm", false));
        Path file = LlamaCppFile.of(changed).write(directory.resolve("afmoe-as-scored.gguf"));
        assertSameLogits(changed, file, "afmoe");
        try (ModelSource source = ModelSource.open(file)) {
            assertTrue(source.spec()
                    .moeLayers()
                    .getFirst()
                    .router()
                    .routing()
                    .normalisation()
                    .isEmpty());
        }
    }

    /// As in files of Solar Open, whose `config.json` does not count any.
    @Test
    void allLayersHaveExpertsIfTheFileCountsNoneWithout() throws IOException {
        LlamaCppFile file = LlamaCppFile.of(GoldenCase.read("glm4_moe").directory())
                .withoutFirstLayer()
                .with("leading_dense_block_count", 0);
        Path counted = file.write(directory.resolve("dense-none.gguf"));
        Path silent = file.without("glm4moe.leading_dense_block_count").write(directory.resolve("dense-unsaid.gguf"));
        assertSameLogits(counted, silent, "glm4_moe");
    }

    /// It writes all keys that it knows, with 0 for what a model does not have.
    @Test
    void filesThatLlamaCppSavedGiveTheSame() throws IOException {
        GoldenCase golden = GoldenCase.read("qwen3_moe");
        LlamaCppFile file = LlamaCppFile.of(golden.directory())
                .with("rope.scaling.type", "linear")
                .with("rope.scaling.attn_factor", 1f);
        Stream.of(
                        "attention.clamp_kqv",
                        "attention.max_alibi_bias",
                        "attention.scale",
                        "attn_logit_softcapping",
                        "embedding_scale",
                        "expert_weights_scale",
                        "final_logit_softcapping",
                        "logit_scale",
                        "residual_scale",
                        "rope.scaling.factor",
                        "rope.scaling.yarn_log_multiplier")
                .forEach(key -> file.with(key, 0f));
        Stream.of("attention.q_lora_rank", "attention.sliding_window", "expert_shared_count", "ssm.inner_size")
                .forEach(key -> file.with(key, 0));
        assertGolden("qwen3_moe", golden, file.write(directory.resolve("saved.gguf")));
    }

    /// As llama.cpp reads it, before the interval; the last entry is of a layer that guesses.
    @Test
    void layersOfQwenMayBeListed() throws IOException {
        GoldenCase golden = GoldenCase.read("qwen3_5_moe");
        LlamaCppFile file = LlamaCppFile.of(golden.directory()).with("full_attention_interval", 4);
        Path listed = file.with("attention.recurrent_layers", List.of(true, true, false, false))
                .write(directory.resolve("listed.gguf"));
        assertGolden("qwen3_5_moe", golden, listed);
        Path few = file.with("attention.recurrent_layers", List.of(true, true)).write(directory.resolve("few.gguf"));
        assertTrue(String.valueOf(assertThrows(MalformedModelException.class, () -> ModelSource.open(few))
                        .getMessage())
                .endsWith("qwen35moe.attention.recurrent_layers: expected one entry for each of 3 layers, found 2"));
    }

    /// llama.cpp does not read their number.
    @Test
    void noExpertIsSharedInAFileOfErnieThatCountsNone() throws IOException {
        Path changed = changed("ernie4_5_moe_interval", Map.of("num_hidden_layers", 5)); // the last has no experts
        Path silent = LlamaCppFile.of(changed)
                .without("ernie4_5-moe.expert_shared_count")
                .write(directory.resolve("shared-unsaid.gguf"));
        assertSameLogits(changed, silent, "ernie4_5_moe_interval");
    }

    @Test
    void attentionToWhatComesLaterIsRefused() throws IOException {
        Path file = LlamaCppFile.of(GoldenCase.read("glm4_moe").directory())
                .with("attention.causal", false)
                .write(directory.resolve("both-ways.gguf"));
        assertTrue(String.valueOf(assertThrows(MalformedModelException.class, () -> ModelSource.open(file))
                        .getMessage())
                .endsWith("glm4moe.attention.causal: expected true, since no other is supported, found false"));
    }

    /// A checkpoint's `attention_factor` and `extrapolation_factor`, as llama.cpp's converter writes them.
    @Test
    void yarnMayHaveAMagnitudeOfItsOwn() throws IOException {
        LlamaCppFile file = LlamaCppFile.of(GoldenCase.read("qwen3_moe_yarn").directory());
        assertEquals(0.1 * Math.log(4) + 1, magnitude(file), 1e-12);
        assertEquals(0.1 * Math.log(4) + 1, magnitude(file.with("rope.scaling.yarn_attn_factor", 1f)), 1e-12);
        assertEquals(1.5, magnitude(file.with("rope.scaling.yarn_attn_factor", 1.5f)));
        assertEquals(1.5, magnitude(file.with("rope.scaling.yarn_ext_factor", 1f)));
        Path other = file.with("rope.scaling.yarn_ext_factor", 0.5f).write(directory.resolve("yarn-other.gguf"));
        assertTrue(String.valueOf(assertThrows(MalformedModelException.class, () -> ModelSource.open(other))
                        .getMessage())
                .endsWith(
                        "qwen3moe.rope.scaling.yarn_ext_factor: expected 1.0, since no other is supported, found 0.5"));
    }

    private double magnitude(LlamaCppFile file) throws IOException {
        try (ModelSource source = ModelSource.open(file.write(directory.resolve("yarn.gguf")))) {
            RopeSpec rope = source.spec()
                    .blocks(AttentionSpec.class)
                    .findFirst()
                    .flatMap(attention -> attention.preparation().rope())
                    .orElseThrow();
            return ((RopeTable.Yarn) rope.scaling().orElseThrow()).attentionFactor();
        }
    }

    /// The file has one factor of cosines and sines, and none of the reference's own.
    @ParameterizedTest
    @ValueSource(strings = {"phimoe_longrope_short", "phimoe_longrope_long"})
    void factorsOfFrequenciesInTensorsGiveWhatThoseOfTheConfigurationGive(String name) throws IOException {
        Path golden = GoldenCase.read(name).directory();
        JsonObject scaling = Json.readObject(golden.resolve("config.json")).requireObject("rope_scaling");
        Map<String, Object> without = new LinkedHashMap<>();
        for (String key : List.of("type", "short_factor", "long_factor", "original_max_position_embeddings")) {
            without.put(key, Objects.requireNonNull(scaling.value(key)));
        }
        Path changed = changed(name, Map.of("rope_scaling", without));
        assertSameLogits(changed, LlamaCppFile.of(changed).write(directory.resolve(name + ".gguf")), name);
    }

    /// The file says neither how long chunks are nor how queries grow, which llama.cpp has as constants.
    @ParameterizedTest
    @ValueSource(strings = {"llama4_scout", "llama4_maverick"})
    void llama4GivesWhatItGivesWithItsDefaults(String name) throws IOException {
        Map<String, Object> changes = new LinkedHashMap<>(
                Map.of("attention_chunk_size", 8192, "floor_scale", 8192, "attn_scale", 0.1, "use_qk_norm", true));
        if (name.equals("llama4_scout")) {
            changes.put(
                    "rope_scaling",
                    Map.of(
                            "rope_type", "llama3",
                            "factor", 16.0,
                            "low_freq_factor", 1.0,
                            "high_freq_factor", 4.0,
                            "original_max_position_embeddings", 8192));
        }
        Path changed = changed(name, changes);
        Path file = LlamaCppFile.of(changed).write(directory.resolve(name + ".gguf"));
        try (ModelSource checkpoint = ModelSource.open(changed);
                ModelSource gguf = ModelSource.open(file)) {
            assertEquals(attentions(checkpoint), attentions(gguf));
        }
        assertSameLogits(changed, file, name);
    }

    /// Maverick has 128 experts and normalises no queries; the file says the first alone. Which of equal experts is
    /// chosen changes nothing.
    @Test
    void llama4With128ExpertsNormalisesNoQueries() throws IOException {
        Path changed = changed("llama4_maverick", Map.of("attention_chunk_size", 8192, "floor_scale", 8192));
        Path file =
                LlamaCppFile.of(changed).withExpertsRepeated(16).write(directory.resolve("llama4-128-experts.gguf"));
        assertSameLogits(changed, file, "llama4_maverick");
    }

    /// Returns what logits of a short text do not show, of each layer.
    private static List<List<Object>> attentions(ModelSource source) {
        return source.spec().layers().stream()
                .map(layer -> (AttentionSpec) layer.sublayers().getFirst().block())
                .map(attention -> List.<Object>of(
                        attention.mask().chunk(),
                        attention.preparation().temperature(),
                        attention.preparation().rope().isPresent(),
                        attention.preparation().qkNorm().isPresent()))
                .toList();
    }

    /// Returns a golden case with another configuration.
    private Path changed(String name, Map<String, Object> changes) throws IOException {
        Path golden = GoldenCase.read(name).directory();
        Path changed = Files.createDirectory(directory.resolve(name + "-" + String.join("-", changes.keySet())));
        Map<String, Object> config = new LinkedHashMap<>();
        Json.readObject(golden.resolve("config.json")).asMap().forEach((key, value) -> {
            if (value != null) {
                config.put(key, value);
            }
        });
        config.putAll(changes);
        Files.writeString(changed.resolve("config.json"), Json.write(config));
        Files.copy(golden.resolve("model.safetensors"), changed.resolve("model.safetensors"));
        return changed;
    }

    private static void assertSameLogits(Path checkpoint, Path file, String name) {
        int[] prompt = GoldenCase.read(name).inputIds();
        List<float[]> expected = logits(checkpoint, prompt);
        List<float[]> found = logits(file, prompt);
        assertEquals(prompt.length, found.size());
        for (int position = 0; position < prompt.length; position++) {
            assertArrayEquals(expected.get(position), found.get(position), (float) TOLERANCE);
        }
    }

    private static List<float[]> logits(Path model, int[] prompt) {
        EngineConfig config = EngineConfig.DEFAULT.withThreads(2).withKv(KvType.F32);
        List<float[]> all = new ArrayList<>();
        try (Engine engine = Engine.open(ImportedStores.of(model), config);
                Session session = engine.newSession()) {
            session.prefill(prompt, (position, logits) -> all.add(logits.clone()));
        }
        return all;
    }

    @Test
    void layersThatGuessMoreTokensAreCountedAndLeftOut() throws IOException {
        GoldenCase golden = GoldenCase.read("glm4_moe");
        Path file =
                LlamaCppFile.of(golden.directory()).withGuessingLayer().write(directory.resolve("gguf-guessing.gguf"));
        try (ModelSource source = ModelSource.open(file)) {
            assertEquals(1, source.numGuessingTensors());
        }
        assertGolden("glm4_moe", golden, file);
    }

    /// Neither layers without experts nor shared experts are counted, and corrections have a name of their own.
    @Test
    void whatFilesOfHy3DoNotCountShowsInTensorsAndWidths() throws IOException {
        GoldenCase golden = GoldenCase.read("hy_v3");
        Path guessing =
                LlamaCppFile.of(golden.directory()).withGuessingLayer().write(directory.resolve("hy-guessing.gguf"));
        assertGolden("hy_v3", golden, guessing);
        Path usual = LlamaCppFile.of(golden.directory())
                .without("hy_v3.expert_shared_feed_forward_length")
                .renamedInLayers("exp_probs_b", "exp_probs_b.bias")
                .write(directory.resolve("hy-usual-names.gguf"));
        assertGolden("hy_v3", golden, usual);
        Path sparse =
                LlamaCppFile.of(golden.directory()).withoutFirstLayer().write(directory.resolve("hy-all-sparse.gguf"));
        try (ModelSource source = ModelSource.open(sparse)) {
            assertEquals(2, source.spec().moeLayers().size());
        }
        assertRefused(
                LlamaCppFile.of(golden.directory()).with("expert_shared_feed_forward_length", 48),
                "hy_v3.expert_shared_feed_forward_length: expected a multiple of 32, the width of an expert, found 48");
    }

    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void everyTierOfKernelsGivesTheReferencesOfDeepseekV4(KernelChoice kernels) throws IOException {
        GoldenCase golden = GoldenCase.read("deepseek_v4");
        Path file = LlamaCppFile.of(golden.directory()).write(directory.resolve("tier-" + kernels + ".gguf"));
        assertGolden(golden, file, kernels);
    }

    /// DeepSeek-V4's files may count such layers although they were left out, and list what is said of each layer for
    /// them, too.
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void layersOfDeepseekV4ThatGuessAreToldByTheirTensors(boolean there) throws IOException {
        GoldenCase golden = GoldenCase.read("deepseek_v4");
        LlamaCppFile described = LlamaCppFile.of(golden.directory())
                .with("nextn_predict_layers", 1)
                .with("expert_group_count", 0)
                .with("swiglu_clamp_exp", 10f)
                .with("swiglu_clamp_shexp", List.of(10f, 10f, 10f, 0f))
                .with("attention.compress_ratios", List.of(0, 4, 8, 0));
        Path file = (there ? described.withGuessingLayer() : described)
                .write(directory.resolve("gguf-guessing-" + there + ".gguf"));
        try (ModelSource source = ModelSource.open(file)) {
            assertEquals(there ? 1 : 0, source.numGuessingTensors());
            assertEquals(3, source.spec().layers().size());
        }
        assertGolden("deepseek_v4", golden, file);
    }

    @Test
    void whatNoDeepseekV4HasIsRefusedByItsKey() throws IOException {
        assertRefused("swiglu_clamp_exp", List.of(10f, 10f, 7f), "expected one number for all layers, found [10.0, ");
        assertRefused(
                "swiglu_clamp_shexp",
                List.of(7f, 7f, 7f),
                "expected 10.0, as deepseek4.swiglu_clamp_exp says, found 7.0");
        assertRefused("attention.compress_ratios", List.of(0, 4), "expected 3 entries or more, found 2");
        assertRefused("attention.compress_ratios", List.of(0, 4, -1), "expected 0 or more positions, found -1");
        assertRefused("attention.compress_ratios", 4, "expected 3 entries or more, found 1");
        assertRefused("expert_gating_func", 2, "expected 4, since no other is supported, found 2");
        assertRefused("expert_group_count", 2, "expected 1, since no other is supported, found 2");
        assertRefused("hash_layer_count", List.of(1), "expected a number, or true or false, found [1]");
    }

    private void assertRefused(String key, Object value, String expected) throws IOException {
        Path file = LlamaCppFile.of(GoldenCase.read("deepseek_v4").directory())
                .with(key, value)
                .write(directory.resolve("refused.gguf"));
        String message = String.valueOf(assertThrows(
                        MalformedModelException.class,
                        () -> ModelSource.open(file).close())
                .getMessage());
        assertTrue(message.startsWith(file + ": deepseek4." + key + ": " + expected), message);
    }

    static void assertGolden(String name, GoldenCase golden, Path file) {
        assertGolden(golden, file, name.endsWith("mxfp4") ? KernelChoice.PLAIN : KernelChoice.AUTO);
    }

    private static void assertGolden(GoldenCase golden, Path file, KernelChoice kernels) {
        EngineConfig config =
                EngineConfig.DEFAULT.withThreads(2).withKv(KvType.F32).withKernels(kernels);
        try (Engine engine = Engine.open(ImportedStores.of(file), config);
                Session session = engine.newSession()) {
            int vocab = engine.spec().vocabSize();
            Map<Integer, List<List<Integer>>> routed = new HashMap<>();
            session.listen((layer, pass, k, ids, weights, tiers) -> {
                for (int t = 0; t < pass.n(); t++) {
                    List<Integer> chosen = new ArrayList<>();
                    for (int j = 0; j < k; j++) {
                        chosen.add(ids[t * k + j]);
                    }
                    routed.computeIfAbsent(layer, key -> new ArrayList<>()).add(chosen);
                }
            });
            double[] worst = new double[1];
            session.prefill(golden.inputIds(), (position, logits) -> {
                for (int i = 0; i < vocab; i++) {
                    worst[0] = Math.max(worst[0], Math.abs(logits[i] - golden.logits()[position * vocab + i]));
                }
            });
            assertTrue(worst[0] <= TOLERANCE, () -> "logits differ by " + worst[0]);
            assertEquals(golden.routerIds(), routed);
        }
        try (Engine engine = Engine.open(ImportedStores.of(file), config);
                Session session = engine.newSession()) {
            List<Integer> tokens = new ArrayList<>();
            Sampler sampler = new Sampler(SamplingParams.GREEDY, engine.spec().vocabSize(), engine.contextLength());
            new Generator(session, sampler, Set.of())
                    .run(golden.inputIds(), golden.greedyIds().length, tokens::add, () -> false);
            assertArrayEquals(
                    golden.greedyIds(),
                    tokens.stream().mapToInt(Integer::intValue).toArray());
        }
    }
}
