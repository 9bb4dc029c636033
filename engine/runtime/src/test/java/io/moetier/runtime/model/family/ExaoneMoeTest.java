package io.moetier.runtime.model.family;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.device.FfnActivation;
import io.moetier.runtime.model.spec.AttentionSpec;
import io.moetier.runtime.model.spec.DenseSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.storage.format.Json;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.TestData;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExaoneMoeTest {
    private static final String OF_ALL = "\"sliding_window\":8";
    private static final String WINDOWS = "\"sliding_windows\":[8,8,8,0]";
    private static final String PATTERN = "\"sliding_window_pattern\":\"LLLG\"";
    private static final String TYPES = "\"layer_types\":";

    @Test
    void fullLayersHaveNoPositions() {
        ModelSpec spec = describe(Map.of());
        assertEquals(List.of(8, 8, 8, 0), windows(spec));
        assertEquals(List.of(true, true, true, false), rotated(spec));
    }

    @Test
    void windowsMayDiffer() {
        assertEquals(List.of(8, 32, 8, 0), windows(describe(Map.of(WINDOWS, "\"sliding_windows\":[8,32,8,0]"))));
        ModelSpec spec = describe(Map.of(TYPES, "\"unread\":", WINDOWS, "\"sliding_windows\":[8,0,16,16]"));
        assertEquals(List.of(8, 0, 16, 16), windows(spec));
        assertEquals(List.of(true, false, true, true), rotated(spec));
    }

    @Test
    void layersAreKnownByThePatternWhereNothingElseTells() {
        Map<String, String> nothing = Map.of(TYPES, "\"unread\":", WINDOWS, "\"sliding_windows\":null");
        assertTrue(failure(nothing).contains("sliding_window_pattern: expected "), failure(nothing));
        Map<String, String> pairs = new LinkedHashMap<>(nothing);
        pairs.put(PATTERN, "\"sliding_window_pattern\":2");
        assertEquals(List.of(8, 0, 8, 0), windows(describe(pairs)));
    }

    @Test
    void allLayersAreRotatedWhereNoneMaySlide() {
        Map<String, String> none = new LinkedHashMap<>();
        none.put(TYPES, "\"unread\":");
        none.put(WINDOWS, "\"sliding_windows\":null");
        none.put(OF_ALL, "\"sliding_window\":null");
        ModelSpec spec = describe(none);
        assertEquals(List.of(0, 0, 0, 0), windows(spec));
        assertEquals(List.of(true, true, true, true), rotated(spec));
        String refusal = failure(Map.of(OF_ALL, "\"sliding_window\":null"));
        assertTrue(refusal.contains("config.json: sliding_window: expected "), refusal);
    }

    /// As the last layers of K-EXAONE 2.0 do.
    @Test
    void layersMayLimitAllTheirNetworks() {
        ModelSpec spec = describe(Map.of(WINDOWS, WINDOWS + ",\"swiglu_limits\":[3,0,0.0,7.0]"));
        FfnActivation limited = new FfnActivation.LimitedSwiGlu(7);
        MoeSpec last = spec.moeLayers().getLast();
        assertEquals(limited, last.experts().getFirst().activation());
        assertEquals(limited, last.sharedExpert().orElseThrow().ffn().activation());
        assertEquals(
                FfnActivation.SWIGLU,
                spec.moeLayers().getFirst().experts().getFirst().activation());
        DenseSpec first =
                spec.layers().getFirst().blocks(DenseSpec.class).findFirst().orElseThrow();
        assertEquals(new FfnActivation.LimitedSwiGlu(3), first.activation());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "sliding_windows; [8,8,8,8]; expected 0 for layer 3, as layer_types says, found 8",
                "sliding_windows; [8,0,8,0]; expected a window for layer 1, as layer_types says, found 0",
                "sliding_windows; [8,8,8]; expected 4 entries, found 3",
                "sliding_windows; [8,-8,8,0]; expected 0 or more, found -8",
                "is_moe_layer; [0,1,0,1]; expected true for layer 2, as mlp_layer_types or first_k_dense_replace says",
                "is_moe_layer; [0,1,2,1]; expected true or false for each layer, found 2",
                "is_moe_layer; [true,false]; expected 4 entries, found 2",
                "first_last_k_dense_replace; 2; expected 1, as first_k_dense_replace says, found 2",
                "mlp_layer_types; [\"dense\",\"sparse\",\"moe\",\"sparse\"]; expected dense or sparse, found moe",
                "swiglu_limits; [0,0,0,-7]; expected 0, or a number above 0 that 32 bits hold, found -7.0",
                "swiglu_limits; [0,0,0,1e-60]; expected 0, or a number above 0 that 32 bits hold, found 1.0E-60",
                "scoring_func; \"softmax\"; expected sigmoid, found softmax",
                "topk_method; \"greedy\"; expected noaux_tc, found greedy",
                "attention_bias; true; expected 0, as models with it are not supported, found true"
            })
    void whatCannotBeIsNamed(String key, String value, String why) {
        Path file = TestData.golden("exaone_moe").resolve("config.json");
        Map<String, Object> config = new LinkedHashMap<>(Json.readObject(file).asMap());
        config.put(key, "VALUE");
        String text = Json.write(config).replace("\"VALUE\"", value);
        String refusal = String.valueOf(assertThrows(MalformedModelException.class, () -> describe(text, file))
                .getMessage());
        assertTrue(refusal.contains("config.json: " + key + ": " + why), refusal);
    }

    private static List<Integer> windows(ModelSpec spec) {
        return spec.blocks(AttentionSpec.class)
                .map(attention -> attention.mask().slidingWindow())
                .toList();
    }

    private static List<Boolean> rotated(ModelSpec spec) {
        return spec.blocks(AttentionSpec.class)
                .map(attention -> attention.preparation().rope().isPresent())
                .toList();
    }

    private static String failure(Map<String, String> changes) {
        return String.valueOf(assertThrows(MalformedModelException.class, () -> describe(changes))
                .getMessage());
    }

    /// @param changes of the text of the golden configuration
    private static ModelSpec describe(Map<String, String> changes) {
        Path file = TestData.golden("exaone_moe").resolve("config.json");
        String text = Json.write(Json.readObject(file).asMap());
        for (Map.Entry<String, String> change : changes.entrySet()) {
            assertTrue(text.contains(change.getKey()), change.getKey());
            text = text.replace(change.getKey(), change.getValue());
        }
        return describe(text, file);
    }

    private static ModelSpec describe(String text, Path file) {
        return Families.describe(Json.parseObject(text.getBytes(StandardCharsets.UTF_8), file));
    }
}
