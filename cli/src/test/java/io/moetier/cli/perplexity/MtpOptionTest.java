package io.moetier.cli.perplexity;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.terminal.Failure;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.SafetensorsFile;
import io.moetier.testdata.TestData;
import java.nio.file.Path;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `logits --mtp`: logits of one token more.
class MtpOptionTest {
    private static final Path GOLDEN = TestData.golden("qwen3_5_moe_mtp");

    @TempDir
    Path directory = Path.of("");

    @Test
    void itsLogitsAreTheReferences() {
        Path out = directory.resolve("further.safetensors");
        String ids = Json.readObject(GOLDEN.resolve("reference.json")).optionalInts("input_ids").orElseThrow().stream()
                .map(String::valueOf)
                .collect(Collectors.joining(","));
        CommandLineRun run =
                run("logits", GOLDEN.toString(), "--ids", ids, "--mtp", "--kv", "f32", "-o", out.toString());
        assertEquals(Failure.OK, run.exitCode(), run.err());
        assertTrue(run.err().contains("27 positions of 320 logits"), run.err());
        try (SafetensorsFile written = SafetensorsFile.open(out);
                SafetensorsFile reference = SafetensorsFile.open(GOLDEN.resolve("logits.safetensors"))) {
            assertArrayEquals(reference.readFloats("mtp_logits"), written.readFloats("mtp_logits"), 1e-4f);
        }
        run = run("inspect", GOLDEN.toString());
        assertTrue(run.out().contains("guess further tokens"), run.out()); // where it was not asked for
    }

    @Test
    void modelsWithoutTheLayerAreRefusedBySentence() {
        Path other = TestData.golden("mixtral");
        Path out = directory.resolve("further.safetensors");
        CommandLineRun run = run("logits", other.toString(), "--ids", "1,2", "--mtp", "-o", out.toString());
        assertEquals(Failure.USAGE, run.exitCode());
        assertTrue(run.err().contains("has no layer for multi-token prediction"), run.err());
        String store = directory.resolve("plain.mtier").toString();
        assertEquals(Failure.OK, run("import", GOLDEN.toString(), "-o", store).exitCode());
        run = run("logits", store, "--ids", "1,2", "--mtp", "-o", out.toString());
        assertEquals(Failure.USAGE, run.exitCode());
        assertTrue(run.err().contains("--mtp: " + store + " is a store without that layer"), run.err());
        run = run("logits", other.toString(), "--ids", "1,2", "--mtp", "--image", "a.png", "-o", out.toString());
        assertEquals(Failure.USAGE, run.exitCode());
        assertTrue(run.err().contains("--mtp: expected no pictures"), run.err());
    }

    private CommandLineRun run(String... args) {
        return CommandLineRun.inProcess(directory.resolve("cache"), args);
    }
}
