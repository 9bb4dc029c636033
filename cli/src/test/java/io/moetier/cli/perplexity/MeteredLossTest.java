package io.moetier.cli.perplexity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.terminal.Failure;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// `--max-kld`, from the calibration on one text to the loss on another.
class MeteredLossTest {
    private static final String TINY = TestData.tinyMixtral().toString();
    private static final String ONE =
            "Once upon a time there was a king who had three sons. The youngest went out to find the bird that sang at"
                    + " night. He met an old woman, and she asked him for bread. ";
    private static final String OTHER =
            "The boy ran down to the river, where his father was mending a net. It was late, and the boats had come in."
                    + " Nobody spoke, but all of them looked at the sky. ";

    @TempDir
    Path directory = Path.of("");

    private Path cache = Path.of("");
    private String one = "";
    private String other = "";

    @BeforeEach
    void writeTexts() throws IOException {
        cache = directory.resolve("cache");
        one = Files.writeString(directory.resolve("one.txt"), ONE.repeat(4)).toString();
        other = Files.writeString(directory.resolve("other.txt"), OTHER.repeat(3))
                .toString();
    }

    @Test
    void aModelIsCalibratedFirst() {
        for (String model : List.of(TINY, importedStore())) {
            CommandLineRun run = run("run", model, "Once", "-n", "2", "--max-kld", "0.01");
            assertEquals(Failure.USAGE, run.exitCode());
            assertEquals(
                    "moetier: --max-kld: it is not known yet what leaving out experts of " + model
                            + " costs; perplexity measures that when it calibrates a model",
                    run.err().strip());
        }
        assertFalse(Files.exists(cache.resolve("loss")));
    }

    /// Of three models: the same weights as they are and in eight bits, and one of another family that knows nothing.
    @Test
    void theLossOnAnotherTextStaysBelowTheLimit() {
        requireLossBelow(TINY, "6M", "0.003", "0.03");
        requireLossBelow(importedStore(), "6M", "0.003", "0.03");
        requireLossBelow(TestData.golden("qwen3_vl_moe").toString(), "100K", "0.03");
    }

    private void requireLossBelow(String model, String ram, String... limits) {
        JsonObject calibrated = json("perplexity", model, "--file", one, "--ctx", "64", "--calibrate", "--json");
        assertTrue(calibrated.requireDouble("kld_per_dose") > 0);
        for (String limit : limits) {
            JsonObject _ = lossBelow(limit, model, "--ram", ram);
        }
    }

    private JsonObject lossBelow(String limit, String model, String... options) {
        String[] command = {
            "perplexity",
            model,
            "--file",
            other,
            "--ctx",
            "64",
            "--reference",
            model,
            "--policy",
            "lru",
            "--prefetch",
            "off",
            "--max-kld",
            limit,
            "--json"
        };
        JsonObject found = json(with(command, options));
        double kld = found.requireObject("reference").requireDouble("kl_divergence");
        double estimated = found.requireDouble("estimated_kl_divergence");
        assertTrue(found.requireString("lossy").startsWith("--max-kld " + limit), found.requireString("lossy"));
        assertTrue(estimated > 0, "nothing was left out of " + model);
        assertTrue(estimated <= Double.parseDouble(limit), estimated + " estimated of " + limit);
        assertTrue(kld > 0 && kld <= Double.parseDouble(limit), kld + " measured of " + limit);
        return found;
    }

    /// The copies are the same weights in eight bits instead of sixteen.
    @Test
    void copiesInFewerBitsStayBelowTheLimitAndSaveMore() {
        String copies = importedStore();
        JsonObject calibrated =
                json("perplexity", TINY, "--file", one, "--ctx", "64", "--calibrate", "--copies", copies, "--json");
        double ofCopies = calibrated.requireObject("copies").requireDouble("kld_per_dose");
        assertTrue(ofCopies < 0.1 * calibrated.requireDouble("kld_per_dose"), ofCopies + " in " + calibrated.asMap());
        String limit = "0.003";
        JsonObject alone = lossBelow(limit, TINY, "--ram", "6M");
        JsonObject found = lossBelow(limit, TINY, "--ram", "6M", "--copies", copies);
        assertEquals("--max-kld " + limit + " --copies " + copies, found.requireString("lossy"));
        assertFalse(alone.optionalDouble("experts_copied").isPresent());
        assertTrue(found.requireDouble("experts_copied") > 0);
        assertTrue(found.requireLong("loads_saved") > alone.requireLong("loads_saved"));
    }

    @Test
    void copiesAreCalibratedTooAndAreOfTheSameModel() {
        String copies = importedStore();
        calibrate();
        refuses(
                "--copies: it is not known yet what the experts of " + copies + " cost in place of those of " + TINY
                        + "; perplexity measures that when it calibrates the model with them",
                "--max-kld",
                "0.1",
                "--copies",
                copies);
        refuses(
                "--copies: expected none without a limit of what they may lose, which --max-kld sets, found " + copies,
                "--copies",
                copies);
        String other = TestData.golden("qwen3_vl_moe").toString();
        CommandLineRun run = run("perplexity", TINY, "--file", one, "--ctx", "64", "--calibrate", "--copies", other);
        assertEquals(Failure.USAGE, run.exitCode());
        assertTrue(
                run.err().contains("--copies: expected the experts of the model, of which layer 0 expert 0 has gate"),
                run.err());
        run = run("perplexity", copies, "--file", one, "--ctx", "64", "--calibrate", "--copies", TINY);
        assertEquals(Failure.USAGE, run.exitCode());
        assertTrue(run.err().contains("in fewer bits than those of the model, found"), run.err());
        run = run(
                "perplexity",
                TINY,
                "--file",
                one,
                "--ctx",
                "64",
                "--calibrate",
                "--copies",
                copies,
                "--device",
                "emulated");
        assertEquals(Failure.USAGE, run.exitCode());
        assertTrue(
                run.err()
                        .contains("--copies: expected the processor of this machine alone, which computes them, found"
                                + " a GPU"),
                run.err());
    }

    private void refuses(String reason, String... options) {
        CommandLineRun run = run(with(new String[] {"run", TINY, "Once", "-n", "2"}, options));
        assertEquals(Failure.USAGE, run.exitCode());
        assertEquals("moetier: " + reason, run.err().strip());
    }

    @Test
    void lessIsReadAndItIsSaid() {
        calibrate();
        String[] command = {
            "run",
            TINY,
            ONE,
            "-n",
            "40",
            "--temp",
            "0",
            "--ram",
            "6M",
            "--profile",
            "none",
            "--prefetch",
            "off",
            "--policy",
            "lru",
            "--ignore-eos",
            "--json"
        };
        JsonObject exact = json(command);
        JsonObject lossy = json(with(command, "--max-kld", "0.2"));
        assertTrue(lossy.requireLong("disk_bytes") < exact.requireLong("disk_bytes"));
        assertTrue(lossy.requireDouble("experts_per_token") < exact.requireDouble("experts_per_token"));
        assertFalse(exact.optionalDouble("estimated_kl_divergence").isPresent());
        assertTrue(lossy.requireDouble("experts_left_out") > 0);
        assertTrue(lossy.requireLong("loads_saved") > 0);
        CommandLineRun run = run("run", TINY, ONE, "-n", "4", "--temp", "0", "--max-kld", "0.2");
        assertTrue(run.err().matches("(?s).*lossy: --max-kld 0\\.2, about 0\\.\\d+, \\d+ loads saved.*"), run.err());
    }

    /// With a limit that is practically none the tokens are those of the exact model.
    @Test
    void aTinyLimitLeavesOutNothing() {
        calibrate();
        String[] command = {"run", TINY, ONE, "-n", "12", "--temp", "0"};
        assertEquals(
                run(command).out(), run(with(command, "--max-kld", "1e-12")).out());
    }

    /// What a device chose is changed on the host.
    @Test
    void aGpuLeavesOutExpertsToo() {
        calibrate();
        String[] command = {"run", TINY, "Once", "-n", "3", "--temp", "0", "--device", "emulated", "--json"};
        assertEquals(2, json(command).requireDouble("experts_per_token"));
        JsonObject lossy = json(with(command, "--max-kld", "10"));
        assertTrue(lossy.requireDouble("experts_per_token") < 2);
        assertTrue(lossy.requireDouble("estimated_kl_divergence") > 0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-1", "11"})
    void aLimitIsAboveZeroAndFinite(String limit) {
        CommandLineRun run = run("run", TINY, "Once", "--max-kld=" + limit);
        assertEquals(Failure.USAGE, run.exitCode());
        assertEquals(
                "moetier: --max-kld: expected above 0 and at most 10 nats, found " + Double.parseDouble(limit),
                run.err().strip());
    }

    @Test
    void whatComputesPromptsAloneTakesNoLimit() {
        for (String[] command : new String[][] {{"explain", TINY, "Once"}, {"logits", TINY, "--ids", "1", "-o", "x"}}) {
            CommandLineRun run = run(with(command, "--max-kld", "0.1"));
            assertEquals(Failure.USAGE, run.exitCode());
            assertEquals(
                    "moetier: --max-kld: expected none: experts are left out of generation, and " + command[0]
                            + " computes a prompt, found 0.1",
                    run.err().strip());
        }
    }

    @Test
    void theWholeModelIsCalibratedAgainstItself() {
        String[] command = {"perplexity", TINY, "--file", one, "--calibrate"};
        CommandLineRun run = run(with(command, "--reference", TINY));
        assertEquals(Failure.USAGE, run.exitCode());
        assertTrue(run.err().contains("--calibrate compares the model as it was trained with itself"), run.err());
        assertEquals(Failure.USAGE, run(with(command, "--experts", "1")).exitCode());
    }

    @Test
    void aDamagedCalibrationIsNamed() throws IOException {
        calibrate();
        Path file;
        try (Stream<Path> files = Files.list(cache.resolve("loss"))) {
            file = files.findFirst().orElseThrow();
        }
        Files.writeString(file, Files.readString(file).replaceAll("\"kld_per_dose\":[^,}]*}", "\"kld_per_dose\":-1}"));
        CommandLineRun run = run("run", TINY, "Once", "-n", "2", "--max-kld", "0.1");
        assertEquals(Failure.FAILED, run.exitCode());
        assertTrue(run.err().startsWith("moetier: " + file), run.err());
        assertTrue(run.err().contains("kld_per_dose"), run.err());
    }

    private void calibrate() {
        assertEquals(
                Failure.OK,
                run("perplexity", TINY, "--file", one, "--ctx", "64", "--calibrate")
                        .exitCode());
    }

    private String importedStore() {
        Path store = directory.resolve("tiny-q8.mtier");
        if (!Files.exists(store)) {
            assertEquals(
                    Failure.OK,
                    run("import", TINY, "--quant", "q8_0", "--out", store.toString())
                            .exitCode());
        }
        return store.toString();
    }

    private JsonObject json(String... args) {
        CommandLineRun run = run(args);
        assertEquals(Failure.OK, run.exitCode(), run.err());
        return Json.parseObject(run.out().getBytes(StandardCharsets.UTF_8), Path.of("output"));
    }

    private CommandLineRun run(String... args) {
        return CommandLineRun.inProcess(cache, args);
    }

    private static String[] with(String[] args, String... more) {
        return Stream.concat(Arrays.stream(args), Arrays.stream(more)).toArray(String[]::new);
    }
}
