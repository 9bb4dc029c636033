package io.moetier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.testdata.TestData;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TraceTest {
    private static final String TRACE = TestData.trace("gpt-oss-20b_misc_small").toString();

    @TempDir
    Path directory = Path.of("");

    @Test
    void showPrintsTheWholeTheReuseAndTheLayers() {
        String[] parts = ok("trace", "show", TRACE).split("\n\n", -1);
        assertEquals(3, parts.length);
        assertTrue(parts[0].contains("0 of prompts, 1461 generated"), parts[0]);
        assertTrue(parts[1].startsWith("chosen again within  tokens"), parts[1]);
        assertEquals(25, parts[2].lines().count());
    }

    @Test
    void showPrintsJson() {
        JsonObject found = parse(ok("trace", "show", TRACE, "--json"));
        assertEquals(24, found.requireInt("layers"));
        assertEquals(24, found.requireObjects("by_layer").size());
        JsonObject overall = found.requireObject("overall");
        assertEquals("weights", overall.requireString("load_balancing_loss_from"));
        double mean = found.requireObjects("by_layer").stream()
                .mapToDouble(layer -> layer.requireDouble("entropy"))
                .average()
                .orElseThrow();
        assertEquals(mean, overall.requireDouble("entropy"), 1e-9);
        JsonObject all = found.requireObject("reuse")
                .requireObjects("experts_of_the_model")
                .getLast();
        assertEquals(1024, all.requireInt("within"));
        assertTrue(all.requireDouble("share") > 0.9);
    }

    private String ok(String... args) {
        CommandLineRun run = CommandLineRun.inProcess(directory, args);
        assertEquals(Failure.OK, run.exitCode(), run.err());
        return run.out();
    }

    private static JsonObject parse(String json) {
        return Json.parseObject(json.getBytes(StandardCharsets.UTF_8), Path.of("output"));
    }
}
