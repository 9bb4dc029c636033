package io.moetier.cli.option;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.terminal.Failure;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.testdata.TestData;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class SamplingOptionsTest {
    @TempDir
    static Path cache = Path.of("");

    @Test
    void aTextThatIsContinuedStopsAndTheLineSaysHowToHaveMore() {
        CommandLineRun run = run();
        String line = run.err().lines().toList().getLast();
        assertTrue(line.endsWith("; ended after 200 tokens (-n -1: when the model ends)"), line);
        JsonObject figures = Json.parseObject(run("--json").out().getBytes(StandardCharsets.UTF_8), Path.of("out"));
        assertEquals(200, figures.requireInt("generated_tokens"));
        assertEquals("max_tokens", figures.requireString("stop_reason"));
    }

    @Test
    void whoSaysHowManyIsToldNothing() {
        String line = run("-n", "3").err().lines().toList().getLast();
        assertTrue(line.endsWith("; ended by -n"), line);
        String endless = run("-n", "-1", "--ctx", "256").err();
        assertFalse(endless.contains("after 200"), endless);
        assertTrue(endless.contains("ended by a full context"), endless);
    }

    /// Below -1 it would say that the text repeats, and draw another one each time.
    @Test
    void aNegativeSeedIsMinusOne() {
        SamplingOptions options = new SamplingOptions();
        new CommandLine(options).parseArgs("--seed", "-2");
        InvalidOptionException refused = assertThrows(InvalidOptionException.class, options::answer);
        assertEquals("--seed: expected -1 or more, found -2", OptionFlags.sentence(refused));
    }

    private static CommandLineRun run(String... options) {
        List<String> command = Stream.concat(
                        Stream.of(
                                "run",
                                TestData.tinyMixtral().toString(),
                                "Once",
                                "--temp",
                                "0",
                                "--ignore-eos",
                                "--profile",
                                "none"),
                        Stream.of(options))
                .toList();
        CommandLineRun run = CommandLineRun.inProcess(cache, command.toArray(String[]::new));
        assertEquals(Failure.OK, run.exitCode(), run.err());
        return run;
    }
}
