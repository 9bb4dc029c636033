package io.moetier.cli.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.terminal.Failure;
import io.moetier.runtime.model.family.Families;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Families are listed, and a model of another is answered with the nearest.
class FamiliesCommandTest {
    @TempDir
    Path directory = Path.of("");

    @Test
    void everyFamilyIsListed() {
        CommandLineRun run = run("families");
        assertEquals(Failure.OK, run.exitCode(), run::err);
        List<String> lines = run.out().lines().toList();
        assertEquals(
                Families.names(),
                lines.stream()
                        .skip(1)
                        .map(line -> line.substring(0, line.indexOf(' ')))
                        .toList());
        String gptOss = lines.stream()
                .filter(line -> line.startsWith("gpt_oss"))
                .findFirst()
                .orElseThrow();
        assertTrue(gptOss.contains("sliding window, sinks"), gptOss);
        assertTrue(gptOss.contains("clamped SwiGLU, biases"), gptOss);
        assertTrue(gptOss.endsWith("MXFP4"), gptOss);
    }

    @Test
    void theObjectHoldsTheSame() {
        CommandLineRun run = run("families", "--json");
        assertEquals(Failure.OK, run.exitCode(), run::err);
        List<JsonObject> families = Json.parseObject(run.out().getBytes(StandardCharsets.UTF_8), directory)
                .requireObjects("families");
        assertEquals(
                Families.names(),
                families.stream()
                        .map(family -> family.requireString("model_type"))
                        .toList());
        JsonObject mixtral = families.get(Families.names().indexOf("mixtral"));
        assertEquals("llama", mixtral.requireString("gguf_architecture"));
        assertEquals(
                List.of("keys and values"), mixtral.optionalStrings("state").orElseThrow());
    }

    @Test
    void anUnknownFamilyIsAnsweredWithTheNearest() throws IOException {
        Path model = directory.resolve("unknown");
        Files.createDirectory(model);
        Path golden = TestData.golden("qwen3_moe");
        Files.copy(golden.resolve("model.safetensors"), model.resolve("model.safetensors"));
        Map<String, Object> config = new LinkedHashMap<>(
                Json.readObject(golden.resolve("config.json")).asMap());
        config.put("model_type", "qwen4_moe");
        config.put("router_depth", 3);
        Files.writeString(model.resolve("config.json"), Json.write(config));
        String name = model.toString();
        for (String[] command : new String[][] {
            {"inspect", name},
            {"run", name, "--ids", "1"},
            {"import", name, "--out", name + ".mtier"},
            {"logits", name, "--ids", "1", "-o", name + ".logits"},
            {"bench", name}
        }) {
            CommandLineRun run = run(command);
            assertEquals(Failure.FAILED, run.exitCode(), run::out);
            assertTrue(
                    run.err()
                            .matches("moetier: " + name + "/config.json: model_type: expected a family that `moetier"
                                    + " families` lists, found qwen4_moe; the nearest is qwen3_moe, which knows \\d+ of"
                                    + " its keys, does not know router_depth\n"),
                    run::err);
        }
    }

    private CommandLineRun run(String... arguments) {
        return CommandLineRun.inProcess(directory.resolve("cache"), arguments);
    }
}
