package io.moetier.cli.hostile;

import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// `config.json`: numbers out of range, of another type, missing, beyond 32 bits, not finite.
final class ConfigInputs {
    private static final Path MODEL = TestData.golden("mixtral");
    private static final String FILE = "config.json";
    private static final List<String> SIZES = List.of(
            "hidden_size",
            "intermediate_size",
            "num_hidden_layers",
            "num_attention_heads",
            "num_key_value_heads",
            "num_local_experts",
            "num_experts_per_tok",
            "vocab_size",
            "max_position_embeddings",
            "head_dim",
            "sliding_window");

    private final InputFolder folder;

    private ConfigInputs(InputFolder folder) {
        this.folder = folder;
    }

    static List<HostileInput> in(Path path) {
        ConfigInputs inputs = new ConfigInputs(new InputFolder(path));
        inputs.addAll();
        return inputs.folder.inputs();
    }

    private void addAll() {
        for (String size : SIZES) {
            List<Object> values =
                    List.of(0, -1, 1L << 40, (1 << 30) + 8, Integer.MAX_VALUE, "64", 64.5, List.of(1), true);
            for (int i = 0; i < values.size(); i++) {
                change(size + "-" + i, Map.of(size, values.get(i)));
            }
        }
        for (String number : List.of("rope_theta", "rms_norm_eps")) {
            for (String text : List.of("1e999", "-1e999", "0", "-5", "NaN", "1e-400", "\"x\"")) {
                add(
                        number + "-" + text.replace("\"", ""),
                        config().replaceAll("(\"" + number + "\": )[^,]+", "$1" + text));
            }
        }
        change("type-unknown", Map.of("model_type", "\u001b[31mfoo"));
        change("type-number", Map.of("model_type", 5));
        change("act", Map.of("hidden_act", "import os"));
        change("eos-negative", Map.of("eos_token_id", -5));
        change("eos-huge", Map.of("eos_token_id", List.of(1, 1 << 30)));
        change("rope-scaling", Map.of("rope_scaling", Map.of("type", "evil", "factor", "x")));
        change("yarn-huge", Map.of("rope_scaling", Map.of("rope_type", "yarn", "factor", 1e300)));
        change("few-heads", Map.of("num_key_value_heads", 3));
        change("wraps", Map.of("head_dim", (1 << 30) + 8, "num_attention_heads", 8, "num_key_value_heads", 8));
        JsonTexts.hostile(config()).forEach(this::add);
        add("twice", config().strip().replaceAll("}$", ", \"hidden_size\": 7}"));
    }

    private void change(String name, Map<String, Object> values) {
        add(name, JsonTexts.changed(MODEL.resolve(FILE), config -> config.putAll(new LinkedHashMap<>(values))));
    }

    private void add(String name, String text) {
        Path model = folder.linked(name, MODEL);
        InputFolder.replace(model, FILE, text);
        folder.addModel(name, model);
        folder.addRun(name, model);
    }

    private static String config() {
        try {
            return Files.readString(MODEL.resolve(FILE));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
