package io.moetier.runtime.model.family;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// The examples are what descriptions read of the golden configurations; where the file says something else, the
/// failure shows what has to stand there.
class FamilyExamplesTest {
    /// Read of every family, and not by its description.
    private static final Set<String> OF_ALL = Set.of("model_type", "eos_token_id", "text_config.eos_token_id");

    /// Golden cases that are not called as the family is.
    private static final Map<String, String> CASES = Map.of(
            "gemma4", "gemma4_moe",
            "gemma4_text", "gemma4_moe",
            "internvl", "internvl_qwen3_moe",
            "llama4", "llama4_scout_image",
            "llama4_text", "llama4_scout",
            "minimax_m3_vl", "minimax_m3",
            "nemotron_h", "nemotron_h_moe_latent");

    @Test
    void eachIsWhatIsReadOfAGoldenConfiguration() throws IOException {
        Map<String, JsonObject> golden = new TreeMap<>();
        Set<String> read = new TreeSet<>();
        Set<String> keys = new TreeSet<>();
        for (String name : Families.names()) {
            JsonObject config = golden(name);
            golden.put(name, config);
            Families.describe(config.reporting(read::add));
            keys.addAll(NearestFamily.keysOf(config));
        }
        read.removeAll(OF_ALL);
        keys.removeAll(read);
        keys.remove("model_type");
        Map<String, Object> configurations = new TreeMap<>();
        golden.forEach((name, config) -> configurations.put(name, only(read, "", config.asMap())));
        Map<String, Object> expected = new LinkedHashMap<>();
        expected.put(FamilyExamples.CONFIGURATIONS, configurations);
        expected.put(FamilyExamples.UNREAD, List.copyOf(keys));
        assertEquals(Json.writePretty(expected).strip(), resource().strip());
    }

    @Test
    void eachDescribesWhatTheGoldenConfigurationDoes() {
        for (String name : Families.names()) {
            assertEquals(Families.describe(golden(name)), Families.describe(Families.example(name)), name);
        }
    }

    private static JsonObject golden(String family) {
        String name = family.replace('-', '_').replaceFirst("_text$", "");
        Path file = TestData.golden(CASES.getOrDefault(family, name)).resolve("config.json");
        JsonObject found = Json.readObject(file);
        boolean isPart = (family.endsWith("_text") || family.equals("minimax_m3")) && found.has("text_config");
        Map<String, Object> config = new LinkedHashMap<>((isPart ? found.requireObject("text_config") : found).asMap());
        config.put("model_type", family);
        return Json.parseObject(Json.write(config).getBytes(StandardCharsets.UTF_8), file);
    }

    private static Map<String, Object> only(Set<String> read, String prefix, Map<String, ?> config) {
        Map<String, Object> kept = new TreeMap<>();
        config.forEach((key, value) -> keep(read, prefix + key, value, key, kept));
        return kept;
    }

    private static void keep(
            Set<String> read, String path, @Nullable Object value, String key, Map<String, Object> kept) {
        if (value instanceof Map<?, ?> nested) {
            Map<String, Object> inner = new TreeMap<>();
            nested.forEach((name, each) -> keep(read, path + "." + name, each, String.valueOf(name), inner));
            if (read.contains(path) || !inner.isEmpty()) {
                kept.put(key, inner);
            }
        } else if (value != null && read.contains(path)) {
            kept.put(key, value);
        }
    }

    private static String resource() throws IOException {
        try (InputStream in =
                Objects.requireNonNull(FamilyExamples.class.getResourceAsStream(FamilyExamples.RESOURCE))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
