package io.moetier.cli.hostile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Whatever the input: exit code 0, 1 or 2, a sentence for a failure, no trace of the program, no signal, bounded time
/// and memory, and nothing written but where it may be.
///
/// `tools/hostile` runs the same inputs through the launcher, each in a process of its own.
class HostileTest {
    private static final int LEAST_INPUTS = 500;
    private static final long MOST_BYTES = 2L << 30;
    private static final String LAUNCHER = System.getProperty("moetier.hostile.launcher", "");
    private static final Pattern TRACE = Pattern.compile(
            "\\tat |Exception|java\\.|\\$\\$|internal error|panicked|StackOverflow|REDACTED|[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f]");

    @TempDir
    static Path directory = Path.of("");

    private static Sandbox sandbox = new Sandbox(directory);
    private static Runner runner = new LauncherRunner(directory, sandbox);
    private static Map<String, String> before = Map.of();
    private static List<HostileInput> inputs = List.of();

    @BeforeAll
    static void makeInputs() throws IOException {
        sandbox = new Sandbox(directory.resolve("sandbox"));
        inputs = Stream.of(
                        GgufInputs.in(sandbox.inputs().resolve("gguf")),
                        SafetensorsInputs.in(sandbox.inputs().resolve("safetensors")),
                        ConfigInputs.in(sandbox.inputs().resolve("config")),
                        TokenizerInputs.in(sandbox.inputs().resolve("tokenizer")),
                        TemplateInputs.in(sandbox.inputs().resolve("template")),
                        StoreInputs.in(sandbox.inputs().resolve("store")),
                        TraceInputs.in(sandbox.inputs().resolve("trace")),
                        CommandLineInputs.in(sandbox.inputs().resolve("words")))
                .flatMap(List::stream)
                .toList();
        sandbox.home();
        before = sandbox.untouchable();
        runner = LAUNCHER.isEmpty()
                ? new WorkerRunner(sandbox, directory.resolve("worker.log"))
                : new LauncherRunner(Path.of(LAUNCHER), sandbox);
    }

    @AfterAll
    static void endRunner() throws IOException {
        long peak = runner instanceof WorkerRunner worker ? worker.peakBytes() : 0;
        runner.close();
        Map<String, String> after = sandbox.untouchable();
        sandbox.remove();
        assertTrue(peak < MOST_BYTES, () -> "bytes of memory at most: " + peak);
        assertTrue(inputs.size() >= LEAST_INPUTS, () -> "inputs: " + inputs.size());
        assertEquals(
                inputs.size(),
                inputs.stream().map(HostileInput::name).distinct().count(),
                "names of inputs differ");
        assertEquals(before, after);
    }

    static Stream<HostileInput> inputs() {
        return inputs.stream();
    }

    @ParameterizedTest
    @MethodSource("inputs")
    void isAnsweredOrRefused(HostileInput input) throws IOException, InterruptedException {
        Outcome outcome = runner.run(input);
        assertTrue(Set.of(0, 1, 2).contains(outcome.exitCode()), outcome::toString);
        assertTrue(outcome.exitCode() == 0 || !input.name().contains("/sound"), outcome::toString);
        assertFalse(TRACE.matcher(outcome.err()).find(), outcome::toString);
        if (outcome.exitCode() != 0) {
            assertTrue(outcome.err().lines().reduce("", (_, line) -> line).startsWith("moetier: "), outcome::toString);
            assertEquals(List.of(), sandbox.results(), "what a failed command left");
        }
        sandbox.clearResults();
    }
}
