package io.moetier.cli.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.terminal.Failure;
import io.moetier.runtime.trace.RoutingTrace;
import io.moetier.runtime.trace.TraceToken;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.testdata.TestData;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BenchDepthTest {
    private static final String TINY = TestData.tinyMixtral().toString();

    @TempDir
    Path cache = Path.of("");

    /// The tokens before generation are computed with it, and are not counted.
    @Test
    void generationHasAsManyTokensBeforeItAsIsSaid() {
        CommandLineRun run = bench("-p", "0", "-n", "4", "-r", "1", "-d", "40", "--ctx", "44", "--json");
        assertEquals(Failure.OK, run.exitCode(), run.err());
        JsonObject found = Json.parseObject(run.out().getBytes(StandardCharsets.UTF_8), Path.of("output"));
        assertEquals(4, found.requireObject("generation").requireInt("tokens"));
        run = bench("-p", "0", "-n", "4", "-r", "1", "-d", "40", "--ctx", "43");
        assertEquals(Failure.USAGE, run.exitCode());
        assertTrue(run.err().contains("-p, -n and -d need a context of 44 tokens, but it holds 43"), run.err());
        Benchmark.Lengths lengths = new Benchmark.Lengths(64, 4, 40);
        assertEquals(64, lengths.requireContext(64));
        assertThrows(IllegalArgumentException.class, () -> lengths.requireContext(63));
    }

    /// What a policy learns of one run is of no use to the next, which two benchmarks have in common.
    @Test
    void eachRunGeneratesAnotherText() {
        List<String> first = choices("first.jsonl", "2");
        List<String> second = choices("second.jsonl", "1");
        assertEquals(3, first.size());
        assertEquals(3, Set.copyOf(first).size());
        assertEquals(first.subList(0, 2), second);
    }

    /// Returns what experts each run chose, the one that warms up included.
    private List<String> choices(String name, String runs) {
        Path trace = cache.resolve(name);
        CommandLineRun run = bench("-p", "0", "-n", "12", "-r", runs, "-d", "4", "--trace", trace.toString());
        assertEquals(Failure.OK, run.exitCode(), run.err());
        Map<Integer, StringBuilder> byRequest = new TreeMap<>();
        for (TraceToken token : RoutingTrace.read(trace).tokens()) {
            byRequest
                    .computeIfAbsent(token.request(), _ -> new StringBuilder())
                    .append(Arrays.deepToString(token.experts()));
        }
        return byRequest.values().stream().map(StringBuilder::toString).toList();
    }

    @Test
    void aDepthIsForGeneration() {
        refuses("-d must be 1 or more, not 0", "-d", "0");
        refuses("-d is for generation, which -n 0 leaves out", "-d", "8", "-n", "0");
        refuses("-d does not go with --compare", "-d", "8", "--compare", "--peer", "nowhere");
    }

    private void refuses(String reason, String... options) {
        CommandLineRun run = bench(options);
        assertEquals(Failure.USAGE, run.exitCode());
        assertTrue(run.err().contains(reason), run.err());
    }

    private CommandLineRun bench(String... options) {
        return CommandLineRun.inProcess(
                cache,
                Stream.concat(Stream.of("bench", TINY), Stream.of(options)).toArray(String[]::new));
    }
}
