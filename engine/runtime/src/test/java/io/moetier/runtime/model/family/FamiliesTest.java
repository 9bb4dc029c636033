package io.moetier.runtime.model.family;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.device.RopeTable;
import io.moetier.kernels.device.Routing.Normalisation;
import io.moetier.kernels.device.Routing.Score;
import io.moetier.runtime.model.spec.AttentionSpec;
import io.moetier.runtime.model.spec.CompressedAttentionSpec;
import io.moetier.runtime.model.spec.DenseSpec;
import io.moetier.runtime.model.spec.GatedDeltaSpec;
import io.moetier.runtime.model.spec.LatentAttentionSpec;
import io.moetier.runtime.model.spec.MambaSpec;
import io.moetier.runtime.model.spec.MixerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.model.spec.RecurrentSpec;
import io.moetier.runtime.model.spec.RopeSpec;
import io.moetier.runtime.model.spec.RouterSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.TestData;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FamiliesTest {
    /// Stands for null, which is not written.
    private static final String NULL = "null";

    @Test
    void familiesAreNamedInAlphabeticalOrder() {
        assertEquals(Families.names().stream().sorted().toList(), Families.names());
    }

    @Test
    void everyExampleIsItsFamilysNearest() {
        for (String name : Families.names()) {
            Map<String, Object> config =
                    new LinkedHashMap<>(Families.example(name).asMap());
            config.put("model_type", name + "_2");
            String message = refusal(config);
            assertTrue(message.contains("found " + name + "_2; the nearest is " + name + ", which knows"), message);
            assertFalse(message.contains("does not know"), message);
            assertFalse(message.contains("needs"), message);
        }
    }

    @Test
    void anUnknownFamilyIsToldHowItDiffersFromTheNearest() {
        Map<String, Object> config =
                new LinkedHashMap<>(Families.example("qwen3_moe").asMap());
        config.put("model_type", "qwen4_moe");
        config.put("attention_dropout", 0.0); // says nothing of what is computed
        config.put("router_depth", 3);
        config.put("rope_scaling", Map.of("rope_type", "default"));
        config.remove("moe_intermediate_size");
        config.remove("num_key_value_heads"); // has a default
        String message = refusal(config);
        assertTrue(
                message.matches("config.json: model_type: expected a family that `moetier families` lists, found"
                        + " qwen4_moe; the nearest is qwen3_moe, which knows \\d+ of its keys, does not know"
                        + " router_depth, and needs moe_intermediate_size"),
                message);
    }

    @Test
    void aConfigurationThatSaysLittleIsAnsweredToo() {
        String message = refusal(Map.of("model_type", "bert"));
        assertTrue(message.contains("found bert; the nearest is"), message);
        assertTrue(message.contains("needs"), message);
    }

    private static String refusal(Map<String, Object> config) {
        JsonObject parsed =
                Json.parseObject(Json.write(config).getBytes(StandardCharsets.UTF_8), Path.of("config.json"));
        return String.valueOf(assertThrows(MalformedModelException.class, () -> Families.describe(parsed))
                .getMessage());
    }

    @Test
    void denseLayersAreThoseOfStepAndList() {
        assertEquals(List.of(true, false, true, true, true, false), dense("qwen2_moe_sparse_step", Map.of()));
    }

    @Test
    void theFirstLayersAreDense() {
        assertEquals(List.of(true, false, false), dense("dots1", Map.of()));
        assertEquals(List.of(true, true, false), dense("glm4_moe_qknorm", Map.of()));
        assertEquals(List.of(true, true, false, false), dense("afmoe", Map.of()));
    }

    @Test
    void expertsComeInAnIntervalOfLayers() {
        assertEquals(List.of(true, false, false, false), dense("ernie4_5_moe", Map.of()));
        assertEquals(List.of(true, false, false, true), dense("ernie4_5_moe", Map.of("moe_layer_end_index", 2)));
        assertEquals(
                List.of(true, false, true, false),
                dense("ernie4_5_moe", Map.of("moe_layer_interval", 2, "moe_layer_end_index", -1)));
    }

    @Test
    void numbersOfExpertsMayDifferBetweenLayers() {
        List<MoeSpec> layers = describe(
                        "hunyuan_v1_moe", Map.of("moe_topk", List.of(1, 2, 4), "num_experts", List.of(4, 8, 16)))
                .moeLayers();
        assertEquals(
                List.of(1, 2, 4),
                layers.stream().map(MoeSpec::numExpertsPerToken).toList());
        assertEquals(List.of(4, 8, 16), layers.stream().map(MoeSpec::numExperts).toList());
        assertTrue(failure("hunyuan_v1_moe", "moe_topk", List.of(4, 4))
                .contains("moe_topk: expected a positive integer, or one for each layer, found [4, 4]"));
        assertTrue(failure("hunyuan_v1_moe", "moe_topk", List.of(4, 13, 4)).contains("at most 12 experts, found 13"));
        assertTrue(failure("hunyuan_v1_moe", "moe_topk", List.of(4, 0, 4)).contains("a positive integer, found 0"));
    }

    @Test
    void tokensAreMultipliedWithNoTowerAndNoEncoder() {
        ModelSpec sighted = describe("qwen3_vl_moe", Map.of());
        assertEquals(231_968, numParameters(sighted.denseLinears()));
        assertEquals(231_968 - 116_128, numParameters(sighted.linearsOfToken()));
        assertEquals(sighted.linearsOfToken(), sighted.linearsOfPrompt());
        ModelSpec translating = describe("nllb_moe", Map.of());
        assertEquals(Set.of("decoder"), sidesOf(translating.linearsOfToken()));
        assertEquals(Set.of("encoder"), sidesOf(translating.linearsOfPrompt()));
    }

    private static Set<String> sidesOf(List<LinearSpec> linears) {
        return linears.stream()
                .map(linear -> linear.weight().split("[.]"))
                .filter(name -> name[2].equals("layers"))
                .map(name -> name[1])
                .collect(Collectors.toSet());
    }

    private static long numParameters(List<LinearSpec> linears) {
        return linears.stream().mapToLong(LinearSpec::numParameters).sum();
    }

    @Test
    void kimiIsDeepseekByAnotherName() {
        assertEquals(describe("deepseek_v3", Map.of()), describe("deepseek_v3", Map.of("model_type", "kimi_k2")));
    }

    /// None of these is missed where it is left out: without it the numbers would be others.
    @Test
    void whatIsLeftOutIsAsInTransformers() {
        assertEquals(describe("afmoe", Map.of("num_shared_experts", 2)), without("afmoe", "num_shared_experts"));
        assertEquals(describe("deepseek_v4", Map.of()), without("deepseek_v4", "n_shared_experts"));
        Map<String, Object> text = textOfMiniMaxM3();
        text.remove("routed_scaling_factor");
        assertEquals(describe("minimax_m3", Map.of()), describe("minimax_m3", Map.of("text_config", text)));
    }

    /// Since transformers counts none as none, and not as the second layer.
    @Test
    void stacksOfSwitchTransformersMayHaveNoExperts() {
        ModelSpec dense = describe("switch_transformers", Map.of("num_sparse_decoder_layers", 0));
        assertEquals(2, dense.moeLayers().size());
        assertEquals(List.of(), dense.moeLayersOfToken());
        assertEquals(4, describe("switch_transformers", Map.of()).moeLayers().size());
    }

    /// None of these is refused where it is left out, or has numbers of its own.
    @Test
    void headsAndGroupsLeftOutAreAsInTransformers() {
        for (String name : List.of("afmoe", "minimax_m2", "nemotron_h_moe")) {
            assertEquals(
                    List.of(128),
                    without(name, "head_dim")
                            .blocks(AttentionSpec.class)
                            .map(attention -> attention.heads().headDim())
                            .distinct()
                            .toList(),
                    name);
        }
        Set<String> silent = Set.of("num_key_value_heads", "use_conv_bias", "n_group", "topk_group");
        assertEquals(
                describe("nemotron_h_moe", Map.of("num_attention_heads", 8, "num_key_value_heads", 8)),
                without("nemotron_h_moe", silent, Map.of("num_attention_heads", 8)));
        Map<String, Object> text = textOfMiniMaxM3();
        text.keySet().removeAll(Set.of("head_dim", "num_key_value_heads", "sparse_attention_config"));
        AttentionSpec attention = describe("minimax_m3", Map.of("text_config", text))
                .blocks(AttentionSpec.class)
                .findFirst()
                .orElseThrow();
        assertEquals(128, attention.heads().headDim());
        assertEquals(4, attention.heads().numKeyValueHeads());
    }

    private static Map<String, Object> textOfMiniMaxM3() {
        return new LinkedHashMap<>(Json.readObject(TestData.golden("minimax_m3").resolve("config.json"))
                .requireObject("text_config")
                .asMap());
    }

    /// It writes other keys than files on the hub have.
    @Test
    void miniMaxM3IsReadAsTransformersSavesIt() {
        Map<String, Object> text = textOfMiniMaxM3();
        text.keySet().removeAll(Set.of("moe_layer_freq", "sparse_attention_config", "rope_theta"));
        text.putAll(Map.of(
                "hidden_act",
                "silu",
                "mlp_layer_types",
                List.of("dense", "sparse", "sparse"),
                "layer_types",
                List.of("full_attention", "minimax_m3_sparse", "minimax_m3_sparse"),
                "index_n_heads",
                2,
                "index_head_dim",
                32,
                "index_block_size",
                4,
                "index_topk_blocks",
                3,
                "index_local_blocks",
                1,
                "rope_parameters",
                Map.of("rope_theta", 5e6, "rope_type", "default", "partial_rotary_factor", 0.5)));
        assertEquals(describe("minimax_m3", Map.of()), describe("minimax_m3", Map.of("text_config", text)));
        text.put("index_local_blocks", 2);
        assertTrue(failure("minimax_m3", "text_config", text).contains("index_local_blocks: expected 1, found 2"));
        text.put("hidden_act", "gelu");
        assertTrue(failure("minimax_m3", "text_config", text).contains("hidden_act: expected swigluoai, found gelu"));
    }

    @Test
    void joyAiIsDeepseekByAnotherName() {
        assertEquals(
                describe("deepseek_v3", Map.of()), describe("deepseek_v3", Map.of("model_type", "joyai_llm_flash")));
    }

    /// Its `config.json` of before transformers knew it; that of Hunyuan-Large, whose layers share keys, is alike.
    @Test
    void hunyuanA13bIsKnownByItsFirstName() {
        Map<String, Object> first = Map.of("model_type", "hunyuan", "use_cla", false);
        assertEquals(describe("hunyuan_v1_moe", Map.of()), describe("hunyuan_v1_moe", first));
        assertTrue(failure("hunyuan_v1_moe", Map.of("model_type", "hunyuan", "use_cla", true))
                .contains("use_cla: expected 0, as models with it are not supported, found true"));
    }

    /// Of two keys that say how wide experts are, checkpoints of before transformers knew Hy3 have one.
    @Test
    void hy3IsAsItsConfigurationSays() {
        ModelSpec said = describe("hy_v3", Map.of());
        Set<String> usual = Set.of(
                "num_shared_experts",
                "first_k_dense_replace",
                "router_scaling_factor",
                "route_norm",
                "qk_norm",
                "moe_router_use_sigmoid",
                "moe_router_enable_expert_bias",
                "rope_parameters",
                "expert_hidden_dim");
        assertEquals(said, without("hy_v3", usual, Map.of()));
        assertEquals(said, without("hy_v3", "moe_intermediate_size"));
        assertEquals(
                List.of(true, true, false),
                dense("hy_v3", Map.of("mlp_layer_types", List.of("dense", "dense", "sparse"))));
        assertEquals(List.of(true, true, false), dense("hy_v3", Map.of("first_k_dense_replace", 2)));
        assertEquals(64, sharedWidth(Map.of("num_shared_experts", 2)));
        assertEquals(0, sharedWidth(Map.of("num_shared_experts", 0)));
        assertTrue(describe("hy_v3", Map.of("mlp_bias", true))
                .blocks(DenseSpec.class)
                .allMatch(ffn -> ffn.up().bias().isPresent()));
    }

    private static int sharedWidth(Map<String, Object> changes) {
        return describe("hy_v3", changes)
                .moeLayers()
                .getFirst()
                .sharedExpert()
                .map(shared -> shared.ffn().up().rows())
                .orElse(0);
    }

    @Test
    void routersOfHy3MayBeWithoutCorrectionAndSum() {
        RouterSpec usual = routerOfHy3(Map.of());
        assertEquals(Optional.of(Normalisation.sumAnd(1e-20)), usual.routing().normalisation());
        assertTrue(usual.correction().isPresent());
        assertEquals(
                Optional.empty(),
                routerOfHy3(Map.of("route_norm", false)).routing().normalisation());
        assertEquals(
                Optional.empty(),
                routerOfHy3(Map.of("moe_router_enable_expert_bias", false)).correction());
    }

    private static RouterSpec routerOfHy3(Map<String, Object> changes) {
        return describe("hy_v3", changes).moeLayers().getFirst().router();
    }

    @Test
    void whatNoHy3HasIsRefusedByItsKey() {
        assertTrue(failure("hy_v3", "qk_norm", false)
                .endsWith("qk_norm: expected true, as queries and keys without norms are not supported, found false"));
        assertTrue(failure("hy_v3", "moe_router_use_sigmoid", false)
                .endsWith("moe_router_use_sigmoid: expected true, as no other router is supported, found false"));
        assertTrue(failure("hy_v3", "expert_hidden_dim", 48)
                .endsWith("expert_hidden_dim: expected 32, as moe_intermediate_size says, found 48"));
        assertTrue(failure("hy_v3", "mlp_layer_types", List.of("dense", "moe", "sparse"))
                .endsWith("mlp_layer_types: expected dense or sparse, found moe"));
        assertTrue(failure("hy_v3", "hidden_act", "gelu").endsWith("hidden_act: expected silu, found gelu"));
    }

    @Test
    void kimiLinearIsAsItsConfigurationSays() {
        ModelSpec said = describe("kimi_linear", Map.of());
        Set<String> usual = Set.of(
                "moe_layer_freq",
                "moe_renormalize",
                "moe_router_activation_func",
                "num_expert_group",
                "rope_theta",
                "topk_group",
                "use_grouped_topk");
        assertEquals(said, without("kimi_linear", usual, Map.of()));
        assertEquals(said, describe("kimi_linear", Map.of("rope_scaling", Map.of("type", "yarn", "factor", 1.0))));
        assertEquals(List.of(true, true, false), dense("kimi_linear", Map.of("first_k_dense_replace", 2)));
        assertEquals(List.of(true, true, false), dense("kimi_linear", Map.of("moe_layer_freq", 2)));
        assertEquals(
                Optional.empty(),
                routerOfKimi(Map.of("moe_renormalize", false)).routing().normalisation());
        assertEquals(
                Optional.empty(),
                routerOfKimi(Map.of("num_experts_per_token", 1)).routing().normalisation());
        assertEquals(
                Score.SOFTMAX,
                routerOfKimi(Map.of("moe_router_activation_func", "softmax"))
                        .routing()
                        .score());
        assertTrue(describe("kimi_linear", Map.of("q_lora_rank", 16))
                .blocks(LatentAttentionSpec.class)
                .allMatch(attention -> attention.queries().rank().isPresent()));
    }

    private static RouterSpec routerOfKimi(Map<String, Object> changes) {
        return describe("kimi_linear", changes).moeLayers().getFirst().router();
    }

    /// Layers are counted from 1. Of GGUF files, there is a word for each, and sizes stand beside all others.
    @Test
    void layersOfKimiLinearAreToldByListsOrByWords() {
        assertEquals(List.of(true, false, true), recurrent("kimi_linear", Map.of()));
        Map<String, Object> flat = Map.of(
                "layer_types", List.of("linear_attention", "full_attention", "linear_attention"),
                "linear_num_key_heads", 4,
                "linear_num_value_heads", 4,
                "linear_key_head_dim", 24,
                "linear_value_head_dim", 24,
                "linear_conv_kernel_dim", 4);
        assertEquals(describe("kimi_linear", Map.of()), without("kimi_linear", Set.of("linear_attn_config"), flat));
        assertTrue(failure("kimi_linear", delta("kda_layers", List.of(1)))
                .endsWith("linear_attn_config.kda_layers: expected layer 3 either here or in full_attn_layers,"
                        + " found [1]"));
        assertTrue(failure("kimi_linear", delta("full_attn_layers", List.of(1, 2)))
                .endsWith("linear_attn_config.kda_layers: expected layer 1 either here or in full_attn_layers,"
                        + " found [1, 3]"));
    }

    private static List<Boolean> recurrent(String name, Map<String, Object> changes) {
        return describe(name, changes)
                .blocks(MixerSpec.class)
                .map(GatedDeltaSpec.class::isInstance)
                .toList();
    }

    private static Map<String, Object> delta(String key, Object value) {
        Map<String, Object> changed = new LinkedHashMap<>(Map.of(
                "full_attn_layers", List.of(2),
                "head_dim", 24,
                "kda_layers", List.of(1, 3),
                "num_heads", 4,
                "short_conv_kernel_size", 4));
        changed.put(key, value);
        return Map.of("linear_attn_config", changed);
    }

    @Test
    void whatNoKimiLinearHasIsRefusedByItsKey() {
        assertTrue(failure("kimi_linear", "mla_use_nope", false)
                .endsWith("mla_use_nope: expected true, as latent attention with positions is not supported, found"
                        + " false"));
        assertTrue(failure("kimi_linear", "mla_use_output_gate", true)
                .endsWith("mla_use_output_gate: expected 0, as models with it are not supported, found true"));
        assertTrue(failure("kimi_linear", delta("gate_lower_bound", -5.0))
                .endsWith("linear_attn_config.gate_lower_bound: expected 0, as models with it are not supported,"
                        + " found -5.0"));
        assertTrue(failure("kimi_linear", delta("head_dim", 0))
                .endsWith("linear_attn_config.head_dim: expected a positive integer, found 0"));
        assertTrue(failure("kimi_linear", "moe_router_activation_func", "relu")
                .endsWith("moe_router_activation_func: expected sigmoid or softmax, found relu"));
        assertTrue(failure("kimi_linear", Map.of("use_grouped_topk", false, "num_expert_group", 2))
                .endsWith("use_grouped_topk: expected true, as there are 2 groups of experts, found false"));
        assertTrue(failure("kimi_linear", "layer_types", List.of("linear", "full_attention", "linear"))
                .endsWith("layer_types: expected full_attention or linear_attention, found linear"));
        assertTrue(failure("kimi_linear", "hidden_act", "situ").endsWith("hidden_act: expected silu, found situ"));
    }

    @Test
    void solarIsGlmWithExpertsInEveryLayerAndWholeHeadsRotated() {
        Map<String, Object> said = Map.of("partial_rotary_factor", 1.0, "first_k_dense_replace", 0, "rope_theta", 1e6);
        assertEquals(
                describe("glm4_moe", said), without("glm4_moe", said.keySet(), Map.of("model_type", "solar_open")));
    }

    @Test
    void lingIsReadByBothItsNames() {
        assertEquals(
                describe("bailing_moe", Map.of()), describe("bailing_moe", Map.of("model_type", "bailing_moe_v2")));
    }

    /// Its published files name the elements that are rotated, a share of the head, or both.
    @Test
    void lingRotatesWhatItSays() {
        Map<String, Object> named = nulled("partial_rotary_factor");
        named.put("rotary_dim", 8);
        assertEquals(describe("bailing_moe", Map.of()), describe("bailing_moe", named));
        assertEquals(describe("bailing_moe", Map.of()), describe("bailing_moe", Map.of("rotary_dim", 8)));
        assertTrue(failure("bailing_moe", "rotary_dim", 16)
                .contains("rotary_dim: expected 8, as partial_rotary_factor says, found 16"));
        assertEquals(16, rope(without("bailing_moe", "partial_rotary_factor")).rotaryDim());
    }

    /// Ling 1 has the same name.
    @Test
    void whatNoLing2HasIsNamed() {
        assertTrue(failure("bailing_moe", nulled("score_function"))
                .contains("score_function: expected sigmoid, as Ling 2.0 has it; Ling 1 is not supported, found"));
        assertTrue(failure("bailing_moe", "score_function", "softmax").contains("expected sigmoid, found softmax"));
        for (String key : List.of("norm_topk_prob", "moe_router_enable_expert_bias", "use_rmsnorm")) {
            assertTrue(failure("bailing_moe", key, false).contains(key + ": expected true, as"), key);
        }
        for (String key : List.of("use_qkv_bias", "use_bias", "norm_head", "use_sliding_window")) {
            assertTrue(failure("bailing_moe", key, true).contains(key + ": expected 0, as models with it"), key);
        }
        String shared = "moe_shared_expert_intermediate_size";
        assertTrue(failure("bailing_moe", shared, 64)
                .contains(shared + ": expected 32, as moe_intermediate_size says, found 64"));
        Map<String, Object> two = Map.of("num_shared_experts", 2);
        assertEquals(
                describe("bailing_moe", two), describe("bailing_moe", Map.of("num_shared_experts", 2, shared, 64)));
    }

    @Test
    void lingMayHaveOneExpertAToken() {
        assertTrue(describe("bailing_moe", Map.of("num_experts_per_tok", 1)).moeLayers().stream()
                .allMatch(moe -> moe.router().routing().normalisation().isEmpty()));
        assertTrue(describe("bailing_moe", nulled("num_shared_experts")).moeLayers().stream()
                .allMatch(moe -> moe.sharedExpert().isEmpty()));
    }

    @Test
    void routersThatCannotBeAreNamed() {
        assertTrue(failure("dots1", "n_group", 5)
                .contains("n_group: expected as many equal groups of 12 experts, found 5"));
        assertTrue(failure("dots1", "n_group", 12).contains("n_group: expected as many equal groups"));
        assertTrue(failure("dots1", "topk_group", 2).contains("topk_group: expected at most 1 groups"));
        assertTrue(failure("phimoe", "num_experts_per_tok", 1)
                .contains("num_experts_per_tok: expected 2, as sparsemixer chooses, found 1"));
        assertTrue(failure("ernie4_5_moe", "moe_layer_interval", 0).contains("a positive integer, found 0"));
    }

    /// As in transformers; without sections pictures would be rotated as texts are.
    @Test
    void pairsThatPicturesTurnAreThoseOfTheFamilyWhereNothingIsSaid() {
        Map<String, Object> plain = Map.of("rope_type", "default", "rope_theta", 5e6, "partial_rotary_factor", 0.25);
        assertEquals(
                List.of(24, 20, 20),
                rope(describeText("qwen3_vl_moe", Map.of("head_dim", 128, "rope_scaling", plain)))
                        .sections());
        assertEquals(
                List.of(11, 11, 10),
                rope(describeText("qwen3_5_moe_image", Map.of("head_dim", 256, "rope_parameters", plain)))
                        .sections());
        assertEquals(
                List.of(),
                rope(describeText("qwen3_vl_moe", Map.of("rope_scaling", plain)))
                        .sections());
    }

    private static ModelSpec describeText(String name, Map<String, Object> changes) {
        JsonObject config = Json.readObject(TestData.golden(name).resolve("config.json"));
        Map<String, Object> text = new LinkedHashMap<>(
                config.optionalObject("text_config").orElseThrow().asMap());
        text.putAll(changes);
        return describe(name, Map.of("text_config", text));
    }

    /// Its attention in transformers and llama.cpp sees the whole text, whatever its configuration has.
    @Test
    void miniMaxM2HasNoWindow() {
        assertTrue(describe("minimax_m2", Map.of("sliding_window", 5))
                .blocks(AttentionSpec.class)
                .allMatch(block -> block.mask().slidingWindow() == 0));
    }

    @Test
    void rotationsThatCannotBeAreNamed() {
        assertTrue(failure("glm4_moe", "partial_rotary_factor", 2)
                .contains("partial_rotary_factor: expected an even number of the 32 elements of a head, found 64"));
        for (String name : List.of("minimax", "minimax_m2")) {
            assertTrue(failure(name, "rotary_dim", 15).contains("rotary_dim: expected an even number of the 32"));
            assertTrue(describe(name, Map.of("rotary_dim", 16))
                    .blocks(AttentionSpec.class)
                    .allMatch(block -> block.preparation().rope().orElseThrow().rotaryDim() == 16));
        }
        assertTrue(failure("hunyuan_v1_moe", "rope_scaling", Map.of("type", "dynamic", "factor", 2))
                .contains("rope_scaling.alpha"));
        Map<String, Object> longRope = new LinkedHashMap<>(
                Map.of("type", "longrope", "short_factor", List.of(1, 1, 1, 1, 1, 1, 1, 1), "long_factor", List.of(2)));
        assertTrue(failure("phimoe", "rope_scaling", longRope).contains("long_factor: expected 8 numbers, found 1"));
        longRope.put("long_factor", List.of("a"));
        assertTrue(failure("phimoe", "rope_scaling", longRope).contains("expected a list of numbers, found [\"a\"]"));
        longRope.remove("long_factor");
        assertTrue(failure("phimoe", "rope_scaling", longRope).contains("long_factor"));
    }

    @Test
    void fullLayersOfAfmoeHaveNoPositions() {
        List<Boolean> rotated = describe("afmoe", Map.of())
                .blocks(AttentionSpec.class)
                .map(attention -> attention.preparation().rope().isPresent())
                .toList();
        assertEquals(List.of(true, true, true, false), rotated);
        assertEquals(
                1, describe("afmoe", Map.of("mup_enabled", false)).embedding().factor());
        assertEquals(8, describe("afmoe", Map.of()).embedding().factor());
    }

    private static List<Boolean> dense(String name, Map<String, Object> changes) {
        return describe(name, changes).layers().stream()
                .map(layer -> layer.blocks(DenseSpec.class).findAny().isPresent())
                .toList();
    }

    @Test
    void bothSpellingsOfTheExpertCountAreRead() {
        assertEquals(
                describe("qwen3_moe", Map.of()).moeLayers().getFirst().numExperts(),
                describe("qwen3_moe_v5config", Map.of()).moeLayers().getFirst().numExperts());
    }

    @Test
    void theOtherSpellingOfTheExpertCountIsReadWhereAFamilyHasADefault() {
        for (String name : List.of("qwen3_next", "lfm2_moe", "jamba", "hunyuan_v1_moe", "olmoe")) {
            assertTrue(
                    describe(name, othersCount(7)).moeLayers().stream().allMatch(moe -> moe.numExperts() == 7), name);
            String message =
                    String.valueOf(assertThrows(MalformedModelException.class, () -> describe(name, othersCount(-1)))
                            .getMessage());
            assertTrue(message.contains("config.json: num_local_experts: "), message);
        }
    }

    private static Map<String, Object> othersCount(int numExperts) {
        Map<String, Object> changes = nulled("num_experts");
        changes.put("num_local_experts", numExperts);
        return changes;
    }

    private static Map<String, Object> nulled(String key) {
        Map<String, Object> changes = new LinkedHashMap<>();
        changes.put(key, NULL);
        return changes;
    }

    @Test
    void nullIsAnAnswerAndNoDefault() {
        assertEquals(List.of(8, 8, 8, 0), chunks(describe("llama4_scout", Map.of())));
        assertEquals(List.of(8192, 8192, 8192, 0), chunks(without("llama4_scout", "attention_chunk_size")));
        assertEquals(List.of(0, 0, 0, 0), chunks(describe("llama4_scout", nulled("attention_chunk_size"))));
        for (String name : List.of("dots1", "afmoe")) {
            Map<String, Object> none = nulled("sliding_window");
            none.put("max_window_layers", 1);
            assertEquals(0, widestWindow(describe(name, none)), name);
            none.remove("sliding_window");
            assertTrue(widestWindow(describe(name, none)) > 0, name);
        }
    }

    private static List<Integer> chunks(ModelSpec spec) {
        return spec.blocks(AttentionSpec.class)
                .map(attention -> attention.mask().chunk())
                .toList();
    }

    private static int widestWindow(ModelSpec spec) {
        return spec.blocks(AttentionSpec.class)
                .mapToInt(attention -> attention.mask().slidingWindow())
                .max()
                .orElseThrow();
    }

    @Test
    void errorsNameKeysAsTheFileDoes() {
        Map<String, Object> ffn = Map.of("moe_num_experts", 4, "moe_top_k", 5, "ffn_hidden_size", 96);
        assertTrue(failure("dbrx", "ffn_config", ffn)
                .contains("config.json: ffn_config.moe_top_k: expected at most 4 experts, found 5"));
        assertTrue(failure("dbrx", "d_model", 0).contains("config.json: d_model: expected a positive integer"));
        assertTrue(failure("jetmoe", "kv_channels", 7).contains("config.json: kv_channels: expected an even number"));
        assertTrue(failure("jetmoe", "activation_function", "gelu").contains("config.json: activation_function: "));
        assertTrue(failure("nllb_moe", "encoder_layers", 0).contains("config.json: encoder_layers: "));
    }

    @Test
    void theTextModelOfAMultimodalLlama4IsItsTextConfig() {
        Map<String, Object> text = new LinkedHashMap<>(
                Json.readObject(TestData.golden("llama4_scout").resolve("config.json"))
                        .asMap());
        text.remove("floor_scale");
        ModelSpec spec =
                describe("llama4_scout", Map.of("model_type", "llama4", "text_config", text, "hidden_size", 1));
        assertEquals(64, spec.hiddenSize());
        assertEquals(
                "language_model.model.embed_tokens.weight",
                spec.embedding().table().weight());
        assertEquals(
                8192.0,
                spec.blocks(AttentionSpec.class)
                        .flatMap(attention -> attention.preparation().temperature().stream())
                        .findFirst()
                        .orElseThrow()
                        .interval());
        text.put("num_attention_heads", 0);
        assertTrue(failure("llama4_scout", Map.of("model_type", "llama4", "text_config", text))
                .contains("config.json: text_config.num_attention_heads: expected a positive integer"));
    }

    @Test
    void graniteMoeSharedHasNoSharedExpertWhereNothingIsSaid() {
        String key = "shared_intermediate_size";
        assertTrue(hasSharedExpert(describe("granitemoeshared", Map.of())));
        assertFalse(hasSharedExpert(without("granitemoeshared", key)));
        assertFalse(hasSharedExpert(describe("granitemoeshared", Map.of(key, 0))));
        assertTrue(hasSharedExpert(without("granitemoehybrid", key)));
    }

    private static boolean hasSharedExpert(ModelSpec spec) {
        return spec.moeLayers().getFirst().sharedExpert().isPresent();
    }

    @Test
    void activeParametersCountTheExpertsOfOneToken() {
        ModelSpec spec = describe("mixtral", Map.of());
        MoeSpec moe = spec.moeLayers().getFirst();
        long expert = moe.experts().getFirst().numParameters();
        assertEquals(spec.totalParameters() - spec.activeParameters(), 2 * 6 * expert);
    }

    /// Its weights are no more than what is read for it, and its vectors.
    @ParameterizedTest
    @ValueSource(strings = {"nllb_moe", "switch_transformers", "qwen3_5_moe_mtp", "qwen3_vl_moe"})
    void whatATokenDoesNotPassIsNotActiveForIt(String family) {
        ModelSpec spec = describe(family, Map.of());
        long experts = spec.moeLayersOfToken().stream()
                .mapToLong(moe ->
                        moe.numExpertsPerToken() * moe.experts().getFirst().numParameters())
                .sum();
        long matrices = spec.linearsOfToken().stream()
                .mapToLong(LinearSpec::numParameters)
                .sum();
        long vectors = spec.denseVectors().stream().mapToLong(VectorSpec::size).sum();
        long others = spec.activeParameters() - experts - matrices;
        assertTrue(others > 0 && others < vectors, () -> others + " of " + vectors);
    }

    @Test
    void aSharedExpertBelongsToQwen2Moe() {
        assertTrue(describe("qwen2_moe", Map.of())
                .moeLayers()
                .getFirst()
                .sharedExpert()
                .isPresent());
        assertFalse(describe("olmoe", Map.of())
                .moeLayers()
                .getFirst()
                .sharedExpert()
                .isPresent());
    }

    /// Mixers with a recurrent state, and which layers have one.
    @Nested
    class Recurrent {
        @Test
        void isEveryLayerButTheOnesOfAnInterval() {
            assertEquals(recurrent(describe("qwen3_next", Map.of())), recurrent(without("qwen3_next", "layer_types")));
        }

        @Test
        void isEverySecondLayerOfMiniMaxWithoutAList() {
            assertEquals(List.of(false, true, false, true), recurrent(without("minimax", "layer_types")));
        }

        @Test
        void hasThePeriodAndOffsetOfJambasAttention() {
            assertEquals(List.of(true, true, false, true), recurrent(describe("jamba", Map.of())));
            Map<String, Object> changes = Map.of("attn_layer_period", 2, "attn_layer_offset", 1);
            assertEquals(List.of(true, false, true, false), recurrent(describe("jamba", changes)));
        }

        @Test
        void mayHaveSizesThatFollowFromOthers() {
            assertEquals(
                    4,
                    describe("jamba", Map.of("mamba_dt_rank", "auto"))
                            .blocks(MambaSpec.class)
                            .findFirst()
                            .orElseThrow()
                            .selections()
                            .rank()
                            .linear()
                            .rows());
            assertEquals(
                    describe("granitemoehybrid", Map.of()),
                    describe("granitemoehybrid", Map.of("mamba_d_head", "auto")));
        }

        @Test
        void isRefusedWhereSizesOrTypesDoNotFit() {
            String head = failure("granitemoehybrid", "mamba_d_head", 24);
            assertTrue(head.contains("mamba_d_head") && head.contains("24"), head);
            String heads = failure("qwen3_next", "linear_num_value_heads", 3);
            assertTrue(heads.contains("linear_num_value_heads") && heads.contains("multiple of 2"), heads);
            List<String> unknown = List.of("conv", "conv", "ring", "conv");
            String type = failure("lfm2_moe", "layer_types", unknown);
            assertTrue(type.contains("full_attention or conv") && type.contains("ring"), type);
        }

        private List<Boolean> recurrent(ModelSpec spec) {
            return spec.layers().stream()
                    .map(layer -> layer.blocks(RecurrentSpec.class).findAny().isPresent())
                    .toList();
        }
    }

    /// transformers renamed them in 5.8, and counts Nemotron's layers by the list alone.
    @Test
    void layersAreKnownByTheirOldNamesAndTheirNewOnes() {
        assertEquals(
                describe("granitemoehybrid", Map.of()),
                describe(
                        "granitemoehybrid",
                        Map.of("layer_types", List.of("linear_attention", "linear_attention", "full_attention"))));
        assertEquals(
                describe("nemotron_h_moe", Map.of()),
                without(
                        "nemotron_h_moe",
                        Set.of("hybrid_override_pattern", "num_hidden_layers"),
                        Map.of(
                                "layers_block_type",
                                List.of("linear_attention", "moe", "linear_attention", "full_attention", "moe"))));
        assertEquals(
                describe("nemotron_h_moe", Map.of()),
                describe(
                        "nemotron_h_moe",
                        Map.of("layers_block_type", List.of("mamba", "moe", "mamba", "attention", "moe"))));
    }

    @Test
    void granitesHybridRotatesOnlyIfItSaysSo() {
        assertTrue(ropes(describe("granitemoehybrid", Map.of())).isEmpty());
        assertEquals(
                1,
                ropes(describe("granitemoehybrid", Map.of("position_embedding_type", "rope")))
                        .size());
    }

    private static List<RopeSpec> ropes(ModelSpec spec) {
        return spec.blocks(AttentionSpec.class)
                .flatMap(attention -> attention.preparation().rope().stream())
                .toList();
    }

    @Nested
    class SlidingWindow {
        @Test
        void holdsEverywhereInMixtral() {
            assertEquals(List.of(8, 8, 8), windows("mixtral_sliding", Map.of()));
        }

        @Test
        void isDeadInQwenUnlessUsed() {
            assertEquals(List.of(0, 0), windows("qwen2_moe", Map.of()));
            assertEquals(List.of(0, 0), windows("qwen3_moe", Map.of("sliding_window", 16)));
        }

        @Test
        void alternatesInQwen2MoeBelowMaxWindowLayers() {
            assertEquals(
                    List.of(16, 0, 16, 0, 0, 0),
                    windows(
                            "qwen2_moe_sparse_step",
                            Map.of("sliding_window", 16, "use_sliding_window", true, "max_window_layers", 4)));
        }

        @Test
        void beginsInDots1WithMaxWindowLayers() {
            assertEquals(List.of(0, 0, 0), windows("dots1", Map.of("sliding_window", 16)));
            assertEquals(List.of(0, 16, 16), windows("dots1", Map.of("sliding_window", 16, "max_window_layers", 1)));
        }

        @Test
        void isThatOfLocalLayersInAfmoe() {
            assertEquals(List.of(8, 8, 8, 0), windows("afmoe", Map.of()));
        }

        @Test
        void followsLayerTypesWhereGiven() {
            assertEquals(
                    List.of(0, 16),
                    windows(
                            "qwen2_moe",
                            Map.of(
                                    "sliding_window",
                                    16,
                                    "use_sliding_window",
                                    true,
                                    "layer_types",
                                    List.of("full_attention", "sliding_attention"))));
        }

        private static List<Integer> windows(String name, Map<String, Object> changes) {
            return describe(name, changes)
                    .blocks(AttentionSpec.class)
                    .map(attention -> attention.mask().slidingWindow())
                    .toList();
        }
    }

    @Test
    void impossibleValuesAreNamed() {
        assertTrue(failure("mixtral", "hidden_size", 0).contains("hidden_size: expected a positive integer, found 0"));
        assertTrue(failure("mixtral", "num_experts_per_tok", 9).contains("at most 8 experts, found 9"));
        assertTrue(failure("mixtral", "num_key_value_heads", 3).contains("a divisor of 4, found 3"));
        assertTrue(failure("mixtral", "head_dim", 15).contains("head_dim: expected an even number"));
        assertTrue(failure("mixtral", "rope_theta", 0).contains("rope_theta: expected a number above 0, found 0"));
        assertTrue(failure("mixtral", "sliding_window", -1).contains("sliding_window: expected 0 or more, found -1"));
        assertTrue(failure("mixtral", "hidden_act", "gelu").contains("hidden_act: expected silu, found gelu"));
        assertTrue(
                failure("mixtral", "vocab_size", "many").contains("vocab_size: expected an integer, found \"many\""));
        assertTrue(failure("olmoe", "rope_scaling", Map.of("type", "linear", "factor", 2))
                .contains("rope_scaling.type: expected default, yarn, llama3, longrope, proportional or dynamic, found"
                        + " linear"));
    }

    @Test
    void whatGemma4HasInOtherSizesIsRefused() {
        assertTrue(gemmaFailure("enable_moe_block", false)
                .contains("enable_moe_block: expected true, as models without experts are not supported, found false"));
        assertTrue(gemmaFailure("num_kv_shared_layers", 2)
                .contains("num_kv_shared_layers: expected 0, as models with it are not supported, found 2"));
        assertTrue(gemmaFailure("hidden_size_per_layer_input", 256).contains("expected 0, as models with it"));
        Map<String, Object> rope = Map.of(
                "sliding_attention", Map.of("rope_theta", 1e4),
                "full_attention", Map.of("rope_type", "proportional", "rope_theta", 1e6, "partial_rotary_factor", 2));
        assertTrue(gemmaFailure("rope_parameters", rope).contains("expected a share above 0 and up to 1, found 2"));
    }

    @Test
    void theLastLayerOfGemma4SeesAllPositions() {
        ModelSpec spec =
                gemma(Map.of("layer_types", List.of("full_attention", "sliding_attention", "sliding_attention")));
        assertEquals(
                List.of(0, 8, 0),
                spec.blocks(AttentionSpec.class)
                        .map(attention -> attention.mask().slidingWindow())
                        .toList());
        assertEquals(
                List.of(true, false, true),
                spec.blocks(AttentionSpec.class).map(AttentionSpec::sharesKeys).toList());
        assertEquals(
                List.of(2, 2, 2),
                gemma(Map.of("attention_k_eq_v", false))
                        .blocks(AttentionSpec.class)
                        .map(AttentionSpec::numKeyValueHeads)
                        .toList());
    }

    /// transformers 5.15 writes so what it read as `global_head_dim` and `num_global_key_value_heads`.
    @Test
    void layersOfGemma4MayHaveHeadsOfTheirOwn() {
        Map<String, Object> text = new LinkedHashMap<>(
                Json.readObject(TestData.golden("gemma4_moe").resolve("config.json"))
                        .requireObject("text_config")
                        .asMap());
        text.keySet().removeAll(Set.of("global_head_dim", "num_global_key_value_heads"));
        text.put("per_layer_config", Map.of("02", Map.of("head_dim", 64, "num_key_value_heads", 1)));
        assertEquals(gemma(Map.of()), describe("gemma4_moe", Map.of("text_config", text)));
        text.put("per_layer_config", Map.of("02", Map.of("head_dim", 64, "num_key_value_heads", 3)));
        assertTrue(failure("gemma4_moe", "text_config", text)
                .contains("per_layer_config.02.num_key_value_heads: expected a divisor of 4, found 3"));
    }

    @Test
    void aTowerOfGemma4WhoseMapsHaveLimitsIsLeftOut() {
        Map<String, Object> tower = new LinkedHashMap<>(
                Json.readObject(TestData.golden("gemma4_moe_image").resolve("config.json"))
                        .requireObject("vision_config")
                        .asMap());
        assertTrue(describe("gemma4_moe_image", Map.of("vision_config", tower))
                .vision()
                .isPresent());
        tower.put("num_key_value_heads", 1);
        assertTrue(failure("gemma4_moe_image", "vision_config", tower).contains("num_key_value_heads: expected 2"));
        tower.put("use_clipped_linears", true);
        assertEquals(
                Optional.empty(),
                describe("gemma4_moe_image", Map.of("vision_config", tower)).vision());
    }

    private static String gemmaFailure(String key, Object value) {
        return String.valueOf(assertThrows(MalformedModelException.class, () -> gemma(Map.of(key, value)))
                .getMessage());
    }

    private static ModelSpec gemma(Map<String, Object> changes) {
        JsonObject text = Json.readObject(TestData.golden("gemma4_moe").resolve("config.json"))
                .requireObject("text_config");
        Map<String, Object> config = new LinkedHashMap<>(text.asMap());
        config.putAll(changes);
        return describe("gemma4_moe", Map.of("text_config", config));
    }

    @Test
    void numbersThatNoModelHasAreRefusedBeforeAnythingOfThatSizeIsMade() {
        assertTrue(failure("mixtral", "num_hidden_layers", Integer.MAX_VALUE)
                .contains("num_hidden_layers: expected at most 32768, found 2147483647"));
        assertTrue(failure("mixtral", "num_local_experts", Integer.MAX_VALUE)
                .contains("num_local_experts: expected at most 65536, found 2147483647"));
        assertTrue(failure("olmoe", "num_experts", 1 << 17).contains("num_experts: expected at most 65536, found"));
        Map<String, Object> both = Map.of("num_hidden_layers", 32768, "num_local_experts", 9);
        String message = String.valueOf(assertThrows(MalformedModelException.class, () -> describe("mixtral", both))
                .getMessage());
        assertTrue(message.contains("num_local_experts: expected at most 8, found 9"), message);
    }

    @Test
    void productsThatWouldOverflowAreRefused() {
        // eight times as many rows are 64 more than 32 bits hold, as many as the tensors have
        assertTrue(
                failure("mixtral", "head_dim", (1 << 30) + 8).contains("head_dim: expected at most 67108864, found"));
        assertTrue(failure("mixtral", Map.of("head_dim", 1 << 26, "num_attention_heads", 64, "num_key_value_heads", 64))
                .contains("head_dim: expected at most 1048576 for each of 64, found 67108864"));
        assertTrue(failure("deepseek_v2_lite", "v_head_dim", 1 << 26).contains("expected 1 to 1048576, found"));
        assertTrue(failure("jamba", "mamba_d_state", 1 << 26).contains("expected 1 to 1048576, found 67108864"));
        assertTrue(failure("qwen3_next", "linear_value_head_dim", 1 << 26).contains("linear_value_head_dim: expected"));
        assertTrue(
                failure("mixtral", "num_attention_heads", 1 << 20).contains("num_attention_heads: expected at most"));
        assertTrue(failure("mixtral", "intermediate_size", 1 << 21)
                .contains("w1.weight: rows: expected 1 to 1048576, found 2097152"));
    }

    @Test
    void numbersThatAreNotFiniteOrOutOfRangeAreRefused() {
        assertTrue(failure("mixtral", "rms_norm_eps", -1e-6).contains("rms_norm_eps: expected a number of at least 0"));
        assertTrue(failure("granitemoe", "embedding_multiplier", 1e39)
                .contains("embedding_multiplier: expected a number that 32 bits hold"));
        assertTrue(failure("granitemoe", "logits_scaling", 1e-300).contains("logits_scaling: expected a number that"));
        assertTrue(failure("olmoe", "clip_qkv", -1).contains("bound on queries, keys and values: expected a finite"));
        assertTrue(failure("deepseek_v2_yarn", "rope_theta", 1.0).contains("rotary positions: expected finite angles"));
        assertTrue(failure("mixtral", "max_position_embeddings", Integer.MAX_VALUE)
                .contains("max_position_embeddings: expected at most 67108864"));
        assertTrue(failure("mixtral", Map.of("max_position_embeddings", 1 << 26, "head_dim", 256))
                .contains("angles of all positions: expected 0 to 2147483647, found 8589934592"));
    }

    @Test
    void idsOfEndTokensAreThoseOfTheVocabulary() {
        assertTrue(failure("mixtral", "eos_token_id", -5).contains("eos_token_id: expected 0 to"));
        assertTrue(failure("mixtral", "eos_token_id", List.of(2, 1 << 30)).contains("eos_token_id: expected 0 to"));
    }

    /// Of a model that translates; others have no such token, whatever their files say.
    @Test
    void whatOutputsBeginWithIsOfTheVocabulary() {
        String key = "forced_bos_token_id";
        assertTrue(failure("nllb_moe", key, 320)
                .contains(key + ": expected 0 to 319, as the vocabulary has 320 tokens, found 320"));
        assertEquals(describe("nllb_moe", Map.of()), describe("nllb_moe", Map.of(key, 319)));
        assertEquals(describe("mixtral", Map.of()), describe("mixtral", Map.of(key, 1 << 30)));
    }

    @Test
    void keysLeftOutHaveTheFamilysDefaults() {
        assertEquals(1e-5f, without("mixtral", "rms_norm_eps").finalNorm().eps());
        assertEquals(1e-5f, without("olmoe", "rms_norm_eps").finalNorm().eps());
        assertEquals(1e-6f, without("qwen2_moe", "rms_norm_eps").finalNorm().eps());
        assertEquals(1e6, rope(without("mixtral", "rope_theta")).theta());
        assertEquals(1e4, rope(without("qwen3_moe", "rope_theta")).theta());
        assertEquals(
                4,
                without("qwen3_moe", "num_key_value_heads")
                        .blocks(AttentionSpec.class)
                        .findFirst()
                        .orElseThrow()
                        .numKeyValueHeads());
    }

    @Test
    void yarnStretchesTheContextWhereTheConfigurationLeavesItShort() {
        Map<String, Object> yarn =
                Map.of("rope_type", "yarn", "factor", 4.0, "original_max_position_embeddings", 32768);
        assertEquals(131072, describe("qwen3_moe", Map.of("rope_scaling", yarn)).maxPositionEmbeddings());
    }

    @Test
    void yarnFallsBackToTheModelsContext() {
        var yarn = describe("qwen3_moe", Map.of("rope_scaling", Map.of("rope_type", "yarn", "factor", 4.0)))
                .blocks(AttentionSpec.class)
                .map(attention ->
                        attention.preparation().rope().orElseThrow().scaling().orElseThrow())
                .map(RopeTable.Yarn.class::cast)
                .findFirst()
                .orElseThrow();
        assertEquals(40960, yarn.originalPositions());
        assertEquals(0.1 * Math.log(4) + 1, yarn.attentionFactor(), 1e-12);
        assertInstanceOf(Boolean.class, yarn.truncate());
    }

    @Nested
    class DeepseekV4 {
        private final Map<String, Object> byRatios = Map.of("compress_ratios", List.of(0, 4, 128, 0));

        /// The list of ratios may have more, of layers that guess further ahead.
        @Test
        void tellsLayersApartByRatiosOrTypes() {
            assertEquals(List.of(0, 4, 8), rates(describe("deepseek_v4", Map.of())));
            assertEquals(List.of(0, 4, 128), rates(describe("deepseek_v4", byRatios)));
            assertEquals(1, describe("deepseek_v4", byRatios).indexers().count());
            assertEquals(
                    List.of(true, false, false),
                    describe("deepseek_v4", byRatios).moeLayers().stream()
                            .map(moe -> moe.router().byToken().isPresent())
                            .toList());
        }

        private List<Integer> rates(ModelSpec spec) {
            return spec.blocks(CompressedAttentionSpec.class)
                    .map(CompressedAttentionSpec::rate)
                    .toList();
        }

        @Test
        void stretchesPositionsOfLayersWithEntriesAlone() {
            List<RopeSpec> ropes = describe("deepseek_v4", Map.of())
                    .blocks(CompressedAttentionSpec.class)
                    .map(CompressedAttentionSpec::rope)
                    .toList();
            assertTrue(ropes.getFirst().scaling().isEmpty());
            assertEquals(1e4, ropes.getFirst().theta());
            assertEquals(1.6e5, ropes.getLast().theta());
            RopeTable.Yarn yarn = (RopeTable.Yarn) ropes.getLast().scaling().orElseThrow();
            assertEquals(1, yarn.attentionFactor());
        }

        /// It writes the rotations of both kinds of layers, and words for layers.
        @Test
        void isReadAsTransformersSavesIt() {
            Map<String, Object> yarn = Map.of(
                    "rope_type",
                    "yarn",
                    "rope_theta",
                    160000,
                    "factor",
                    16,
                    "beta_fast",
                    32,
                    "beta_slow",
                    1,
                    "original_max_position_embeddings",
                    65536,
                    "attention_factor",
                    1.0,
                    "partial_rotary_factor",
                    0.5);
            Map<String, Object> plain =
                    Map.of("rope_type", "default", "rope_theta", 10000, "partial_rotary_factor", 0.5);
            assertEquals(
                    describe("deepseek_v4", Map.of()),
                    without(
                            "deepseek_v4",
                            Set.of("rope_theta", "rope_scaling", "qk_rope_head_dim", "num_hash_layers"),
                            Map.of(
                                    "rope_parameters",
                                    Map.of("main", plain, "compress", yarn),
                                    "partial_rotary_factor",
                                    0.5,
                                    "mlp_layer_types",
                                    List.of("hash_moe", "moe", "moe"))));
        }

        @Test
        void isRefusedWhereSizesOrTypesDoNotFit() {
            assertRefused("hc_mult", 9, "at most 8");
            assertRefused("o_groups", 3, "a divisor of 4");
            assertRefused("compress_ratios", List.of(0, 4, -1), "0 or more positions");
            assertRefused("compress_ratios", List.of(0, 4), "3 entries or more");
            assertRefused("layer_types", List.of("full", "full", "full"), "heavily_compressed_attention");
            assertRefused("qk_rope_head_dim", 64, "at least the 64 that are rotated");
            assertRefused("scoring_func", "sigmoid", "sqrtsoftplus");
            assertRefused("swiglu_limit", 0, "above 0");
        }

        /// Entries are made once and not rotated anew when a text becomes long.
        @Test
        void isRefusedWherePositionsChangeWithTheLengthOfAText() {
            Map<String, Object> scaling = Map.of(
                    "type",
                    "longrope",
                    "original_max_position_embeddings",
                    65536,
                    "short_factor",
                    Collections.nCopies(8, 1.0),
                    "long_factor",
                    Collections.nCopies(8, 2.0));
            assertRefused(
                    "rope_scaling", scaling, "expected none that changes with the length of a text, found longrope");
        }

        private void assertRefused(String key, Object value, String expected) {
            String message = failure("deepseek_v4", key, value);
            assertTrue(message.contains(expected), message);
        }
    }

    @Nested
    class MimoV2Flash {
        private static final String NAME = "mimo_v2_flash";

        @Test
        void isReadAsTransformersWritesIt() {
            Set<String> ofTheHub = Set.of(
                    "hybrid_layer_pattern",
                    "moe_layer_freq",
                    "layernorm_epsilon",
                    "rope_theta",
                    "swa_rope_theta",
                    "partial_rotary_factor",
                    "swa_num_attention_heads",
                    "swa_num_key_value_heads",
                    "swa_head_dim",
                    "swa_v_head_dim",
                    "add_swa_attention_sink_bias",
                    "add_full_attention_sink_bias",
                    "routed_scaling_factor",
                    "sliding_window_size");
            Map<String, Object> ofTransformers = Map.of(
                    "layer_types",
                    List.of("full_attention", "sliding_attention", "sliding_attention", "full_attention"),
                    "mlp_layer_types",
                    List.of("dense", "sparse", "sparse", "sparse"),
                    "rms_norm_eps",
                    1e-5,
                    "rope_parameters",
                    Map.of(
                            "full_attention",
                            Map.of("rope_type", "default", "rope_theta", 1000.0, "partial_rotary_factor", 0.334),
                            "sliding_attention",
                            Map.of("rope_type", "default", "rope_theta", 100.0, "partial_rotary_factor", 0.334)),
                    "routed_scaling_factor",
                    1.0);
            assertEquals(describe(NAME, Map.of()), without(NAME, ofTheHub, ofTransformers));
        }

        @Test
        void everySixthLayerAndTheFirstSeeAllUnlessAListSaysOtherwise() {
            ModelSpec usual =
                    without(NAME, Set.of("hybrid_layer_pattern", "moe_layer_freq"), Map.of("num_hidden_layers", 7));
            assertEquals(
                    List.of(0, 8, 8, 8, 8, 0, 8),
                    usual.blocks(AttentionSpec.class)
                            .map(attention -> attention.mask().slidingWindow())
                            .toList());
            assertEquals(6, usual.moeLayers().size());
        }

        @Test
        void kindsOfLayersHaveSinksHeadsAndWidthsOfTheirOwn() {
            List<AttentionSpec> layers = describe(
                            NAME,
                            Map.of(
                                    "add_full_attention_sink_bias",
                                    true,
                                    "add_swa_attention_sink_bias",
                                    false,
                                    "swa_num_attention_heads",
                                    6,
                                    "swa_head_dim",
                                    32,
                                    "swa_v_head_dim",
                                    8,
                                    "attention_value_scale",
                                    NULL,
                                    "rope_parameters",
                                    Map.of("rope_type", "yarn", "factor", 4.0, "rope_theta", 500.0)))
                    .blocks(AttentionSpec.class)
                    .toList();
            AttentionSpec full = layers.getFirst();
            AttentionSpec sliding = layers.get(1);
            assertTrue(full.sinks().isPresent());
            assertTrue(sliding.sinks().isEmpty());
            assertEquals(6 * 32, sliding.projections().query().rows());
            assertEquals(2 * 8, sliding.projections().value().rows());
            assertEquals(6 * 8, sliding.projections().output().cols());
            assertEquals(1, sliding.preparation().valueScale());
            RopeSpec ofFull = full.preparation().rope().orElseThrow();
            RopeSpec ofSliding = sliding.preparation().rope().orElseThrow();
            assertEquals(500, ofFull.theta());
            assertTrue(ofFull.scaling().isPresent());
            assertEquals(100, ofSliding.theta());
            assertTrue(ofSliding.scaling().isEmpty());
            assertEquals(10, ofSliding.rotaryDim());
        }

        @Test
        void whatNoneHasIsRefusedByItsKey() {
            assertRefused("scoring_func", "softmax", "scoring_func: expected sigmoid, found softmax");
            assertRefused("topk_method", "greedy", "topk_method: expected noaux_tc, found greedy");
            assertRefused("n_shared_experts", 1, "n_shared_experts: expected 0, as models with it are not supported");
            assertRefused("hybrid_block_size", 4, "hybrid_block_size: expected 0, as models with it are not supported");
            assertRefused("sliding_window_size", 9, "sliding_window_size: expected 8, as sliding_window says, found 9");
            assertRefused("sliding_window", NULL, "sliding_window: expected");
            assertRefused("hybrid_layer_pattern", List.of(0, 1), "hybrid_layer_pattern: expected 4 entries, found 2");
            assertRefused("moe_layer_freq", List.of(0, 1), "moe_layer_freq: expected 4 entries, found 2");
            assertRefused("swa_num_key_value_heads", 3, "swa_num_key_value_heads: expected a divisor of 4, found 3");
            assertRefused("v_head_dim", 0, "v_head_dim: expected a positive integer, found 0");
            assertRefused(
                    "attention_projection_layout",
                    "fused_qkv",
                    "attention_projection_layout: expected split, found fused_qkv");
        }

        private void assertRefused(String key, Object value, String expected) {
            String message = failure(NAME, key, value);
            assertTrue(message.contains(expected), message);
        }
    }

    private static String failure(String name, String key, Object value) {
        return failure(name, Map.of(key, value));
    }

    private static String failure(String name, Map<String, Object> changes) {
        return String.valueOf(assertThrows(MalformedModelException.class, () -> describe(name, changes))
                .getMessage());
    }

    private static RopeSpec rope(ModelSpec spec) {
        return spec.blocks(AttentionSpec.class)
                .findFirst()
                .orElseThrow()
                .preparation()
                .rope()
                .orElseThrow();
    }

    private static ModelSpec without(String name, String key) {
        return without(name, Set.of(key), Map.of());
    }

    private static ModelSpec without(String name, Set<String> keys, Map<String, Object> changes) {
        Path file = TestData.golden(name).resolve("config.json");
        Map<String, Object> config = new LinkedHashMap<>(Json.readObject(file).asMap());
        config.keySet().removeAll(keys);
        config.putAll(changes);
        return Families.describe(Json.parseObject(Json.write(config).getBytes(StandardCharsets.UTF_8), file));
    }

    private static ModelSpec describe(String name, Map<String, Object> changes) {
        Path file = TestData.golden(name).resolve("config.json");
        Map<String, Object> config = new LinkedHashMap<>(Json.readObject(file).asMap());
        config.putAll(changes);
        String text = Json.write(config).replace("\"" + NULL + "\"", NULL);
        return Families.describe(Json.parseObject(text.getBytes(StandardCharsets.UTF_8), file));
    }
}
