package io.moetier.runtime.model.family;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.device.FfnActivation;
import io.moetier.kernels.device.FfnActivation.CappedSwiGlu;
import io.moetier.kernels.device.RopeTable;
import io.moetier.runtime.model.spec.AttentionSpec;
import io.moetier.runtime.model.spec.DenseSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.RopeSpec;
import io.moetier.storage.format.Json;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.TestData;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Step3p5Test {
    private static final Path FILE = TestData.golden("step3p5").resolve("config.json");
    private static final Map<String, Object> LLAMA3 =
            Json.readObject(FILE).requireObject("rope_scaling").asMap();

    @Test
    void isReadAsTransformersWritesIt() {
        Set<String> ofTheHub = Set.of(
                "attention_other_setting",
                "moe_layers_enum",
                "moe_num_experts",
                "moe_top_k",
                "num_attention_groups",
                "partial_rotary_factors",
                "rope_scaling",
                "rope_theta",
                "yarn_only_types",
                "use_head_wise_attn_gate",
                "use_moe",
                "use_moe_router_bias",
                "use_qk_norm",
                "zero_centered",
                "norm_expert_weight");
        Map<String, Object> full = new LinkedHashMap<>(LLAMA3);
        full.put("rope_theta", 1000.0);
        full.put("partial_rotary_factor", 0.5);
        Map<String, Object> ofTransformers = Map.of(
                "layer_types", List.of("full_attention", "sliding_attention", "sliding_attention", "full_attention"),
                "mlp_layer_types", List.of("dense", "sparse", "sparse", "sparse"),
                "n_routed_experts", 8,
                "num_experts_per_tok", 2,
                "num_key_value_heads", 2,
                "num_sliding_attention_heads", 6,
                "query_pre_attn_scalar", 16,
                "rope_parameters",
                        Map.of(
                                "full_attention",
                                full,
                                "sliding_attention",
                                Map.of("rope_type", "default", "rope_theta", 100.0, "partial_rotary_factor", 1.0)));
        ModelSpec expected = with("attention_other_setting", Map.of("num_attention_heads", 6));
        assertEquals(expected, describe(ofTheHub, ofTransformers));
        Map<String, Object> ofLayers = new LinkedHashMap<>(ofTransformers);
        ofLayers.remove("num_sliding_attention_heads");
        ofLayers.put(
                "per_layer_config",
                Map.of("1", Map.of("num_attention_heads", 6), "2", Map.of("num_attention_heads", 6)));
        assertEquals(expected, describe(ofTheHub, ofLayers));
    }

    @Test
    void kindsOfLayersHaveHeadsAndRotationsOfTheirOwn() {
        List<AttentionSpec> layers =
                with("yarn_only_types", null).blocks(AttentionSpec.class).toList();
        AttentionSpec full = layers.getFirst();
        AttentionSpec sliding = layers.get(1);
        assertEquals(List.of(0, 8), windows(List.of(full, sliding)));
        assertEquals(4 * 16, full.projections().query().rows());
        assertEquals(6 * 16, sliding.projections().query().rows());
        assertEquals(3 * 16, sliding.projections().value().rows());
        assertTrue(full.isGatedByHead() && sliding.isGatedByHead());
        RopeSpec ofFull = full.preparation().rope().orElseThrow();
        RopeSpec ofSliding = sliding.preparation().rope().orElseThrow();
        Optional<RopeTable.Scaling> scaling = Optional.of(new RopeTable.Llama3(2, 1, 4, 64));
        assertEquals(new RopeSpec(8, 1000, false, scaling), ofFull);
        assertEquals(new RopeSpec(16, 100, false, scaling), ofSliding); // no list says that it is of others alone
    }

    @Test
    void oneNumberMayBeOfAllLayers() {
        AttentionSpec attention = describe(Set.of("partial_rotary_factors"), Map.of("rope_theta", 500))
                .blocks(AttentionSpec.class)
                .findFirst()
                .orElseThrow();
        assertEquals(
                new RopeSpec(16, 500, false, Optional.of(new RopeTable.Llama3(2, 1, 4, 64))),
                attention.preparation().rope().orElseThrow());
    }

    @Test
    void gatesMayBeAbsent() {
        assertTrue(with("use_head_wise_attn_gate", false)
                .blocks(AttentionSpec.class)
                .allMatch(attention -> attention.gate().isEmpty()));
    }

    @Test
    void layersWithExpertsAreListedInOneOfThreeWays() {
        assertEquals(2, with("moe_layers_enum", "2, 3,4").moeLayers().size());
        assertEquals(1, with("moe_layers_enum", List.of(1)).moeLayers().size());
        assertEquals(1, with("moe_layers_enum", null).moeLayers().size());
    }

    @Test
    void denseLayersAreLimitedAsSharedExpertsAre() {
        ModelSpec spec = describe(
                Set.of(), Map.of("swiglu_limits", List.of(7, 0, 0, 0), "swiglu_limits_shared", List.of(16.0, 0, 0, 2)));
        DenseSpec dense = spec.blocks(DenseSpec.class).findFirst().orElseThrow();
        assertEquals(new CappedSwiGlu(16), dense.activation());
        assertEquals(
                FfnActivation.SWIGLU,
                spec.moeLayers().getLast().experts().getFirst().activation());
        assertEquals(
                new CappedSwiGlu(2),
                spec.moeLayers().getLast().sharedExpert().orElseThrow().ffn().activation());
        assertEquals(
                FfnActivation.SWIGLU,
                with("swiglu_limits_shared", null)
                        .blocks(DenseSpec.class)
                        .findFirst()
                        .orElseThrow()
                        .activation());
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', textBlock = """
                    moe_router_activation; "softmax"; expected sigmoid, found softmax
                    att_impl_type; "MFA"; expected GQA, found MFA
                    attention_bias; true; expected 0, as models with it are not supported, found true
                    use_mfa; true; expected 0, as models with it are not supported, found true
                    sink; true; expected 0, as models with it are not supported, found true
                    moe_layer_offset; 1; expected 0, as models with it are not supported, found 1
                    moe_every_n_layer; 2; expected 1, found 2
                    norm_expert_weight; false; expected true, as models without it are not supported, found false
                    use_moe; false; expected true, as models without it are not supported, found false
                    use_moe_router_bias; false; expected true, as models without it are not supported, found false
                    use_qk_norm; false; expected true, as models without it are not supported, found false
                    zero_centered; false; expected true, as models without it are not supported, found false
                    use_rope_layers; [true,false]; expected true for each layer, since no other is supported, found
                    query_pre_attn_scalar; 8; expected 16, as head_dim says, found 8
                    sliding_window; null; expected an integer, found nothing
                    layer_types; null; expected sliding_attention or full_attention, found nothing
                    layer_types; ["full_attention"]; expected 4 entries or more, found 1
                    layer_types; ["chunked","x","x","x"]; expected sliding_attention or full_attention, found chunked
                    rope_theta; [1000.0]; expected 4 entries or more, found 1
                    rope_theta; "10000"; expected a number, or one for each layer, found 10000
                    partial_rotary_factors; [0.5,2,1,1]; PARTIAL
                    swiglu_limits; [0,0,-7,0]; expected 0, or a number above 0 that 32 bits hold, found -7.0
                    swiglu_limits_shared; [0,0]; expected 4 entries or more, found 2
                    moe_layers_enum; "1-2"; expected numbers of layers, with commas between them or as a list, found 1-2
                    moe_layers_enum; 3; expected numbers of layers, with commas between them or as a list, found 3
                    rope_parameters; {"rope_type":"default"}; expected what rotates each kind of layers: full_attention
                    """)
    void whatCannotBeIsNamed(String key, String value, String why) {
        Map<String, Object> config = new LinkedHashMap<>(Json.readObject(FILE).asMap());
        config.put(key, "VALUE");
        String refusal = failure(Json.write(config).replace("\"VALUE\"", value));
        String named = why.equals("PARTIAL")
                ? "partial_rotary_factor: expected an even number of the 16 elements of a head, found 32"
                : key + ": " + why;
        assertTrue(refusal.contains("config.json: " + named), refusal);
    }

    @Test
    void otherSettingsHaveToFit() {
        assertOther(
                Map.of("head_dim", 32),
                "attention_other_setting.head_dim: expected 16, as that of other layers, found 32");
        assertOther(
                Map.of("true_head_dim", 8),
                "attention_other_setting.true_head_dim: expected 16, as that of other layers, found 8");
        assertOther(
                Map.of("attention_type", "full_attention"),
                "attention_other_setting.attention_type: expected sliding_attention, found full_attention");
        assertOther(
                Map.of("num_attention_groups", 5),
                "attention_other_setting.num_attention_groups: expected a divisor of 4, found 5");
    }

    private static void assertOther(Map<String, Object> other, String expected) {
        Map<String, Object> config = new LinkedHashMap<>(Json.readObject(FILE).asMap());
        config.put("attention_other_setting", other);
        String refusal = failure(Json.write(config));
        assertTrue(refusal.contains("config.json: " + expected), refusal);
    }

    private static List<Integer> windows(List<AttentionSpec> layers) {
        return layers.stream()
                .map(attention -> attention.mask().slidingWindow())
                .toList();
    }

    private static String failure(String config) {
        return String.valueOf(assertThrows(MalformedModelException.class, () -> describe(config))
                .getMessage());
    }

    private static ModelSpec with(String key, @Nullable Object value) {
        Map<String, @Nullable Object> changes = new LinkedHashMap<>();
        changes.put(key, value);
        return describe(Set.of(), changes);
    }

    /// @param without keys that the golden configuration has and this one has not
    private static ModelSpec describe(Set<String> without, Map<String, ? extends @Nullable Object> changes) {
        Map<String, @Nullable Object> config =
                new LinkedHashMap<>(Json.readObject(FILE).asMap());
        config.keySet().removeAll(without);
        config.putAll(changes);
        return describe(Json.write(config));
    }

    private static ModelSpec describe(String config) {
        return Families.describe(Json.parseObject(config.getBytes(StandardCharsets.UTF_8), FILE));
    }
}
