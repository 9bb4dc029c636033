package io.moetier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.terminal.Failure;
import io.moetier.runtime.trace.RoutingTrace;
import io.moetier.runtime.trace.TraceHeader;
import io.moetier.runtime.trace.TraceRecorder;
import io.moetier.runtime.trace.TraceToken;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.format.SafetensorsFile;
import io.moetier.storage.model.Phase;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Fewer experts than the model was trained with: every result says so.
class LossyTest {
    private static final String TINY = TestData.tinyMixtral().toString();

    @TempDir
    static Path cache = Path.of("");

    @TempDir
    Path directory = Path.of("");

    @ParameterizedTest
    @ValueSource(strings = {"--experts 1", "--top-p-experts 0.3"})
    void everyResultSaysSo(String options) throws IOException {
        String said = "lossy: " + options;
        CommandLineRun run = ok("run", TINY, "Once upon a time", "-n", "4", "--temp", "0", options);
        assertTrue(run.err().contains(said), run.err());
        assertTrue(ok("run", TINY, "Once", "-n", "2", "--stats", options).err().contains(said));
        assertEquals(options, json(ok("run", TINY, "Once", "-n", "2", "--json", options)));
        String[] bench = {"bench", TINY, "-p", "4", "-n", "2", "-r", "1"};
        assertTrue(ok(with(bench, options)).out().contains(said));
        assertEquals(options, json(ok(with(bench, "--json " + options))));
        Path logits = directory.resolve("logits.safetensors");
        run = ok("logits", TINY, "--ids", "1,5", "-o", logits.toString(), options);
        assertTrue(run.err().contains(said), run.err());
        try (SafetensorsFile file = SafetensorsFile.open(logits)) {
            assertEquals(options, file.metadata().get("lossy"));
        }
        Path text = Files.writeString(directory.resolve("text"), "Once upon a time there was a horse. ".repeat(4));
        String[] perplexity = {"perplexity", TINY, "--file", text.toString(), "--ctx", "16"};
        assertTrue(ok(with(perplexity, options)).out().contains(said));
        assertEquals(options, json(ok(with(perplexity, "--json " + options))));
        Path figures = directory.resolve("explained.json");
        Path page = directory.resolve("explained.html");
        run = ok("explain", TINY, "Once", "--json", figures.toString(), "--report", page.toString(), options);
        assertTrue(run.out().contains(said), run.out());
        assertEquals(options, Json.readObject(figures).requireString("lossy"));
        assertTrue(Files.readString(page).contains(said));
    }

    @ParameterizedTest
    @ValueSource(strings = {"--experts 1", "--experts 3", "--top-p-experts 0.3"})
    void tracesSaySoAndAreTunedWithTheirModel(String options) {
        Path trace = directory.resolve("t.jsonl.gz");
        CommandLineRun run = ok(
                "trace", "record", TINY, "--ids", "1,5,9", "--temp", "0", "-n", "4", "-o", trace.toString(), options);
        assertTrue(run.err().contains("lossy: " + options), run.err());
        assertEquals(Optional.of(options), RoutingTrace.read(trace).header().lossy());
        assertTrue(ok("trace", "show", trace.toString()).out().contains("lossy: " + options));
        assertEquals(options, json(ok("trace", "show", trace.toString(), "--json")));
        run = ok("tune", trace.toString(), "--model", TINY, "--policies", "lru", "--budgets", "50%");
        assertTrue(run.out().contains("Lossy: the trace is of the model with " + options + ","), run.out());
        Path rounds = directory.resolve("rounds.jsonl.gz");
        ok("bench", TINY, "-p", "4", "-n", "2", "-r", "1", "--trace", rounds.toString(), options);
        assertEquals(Optional.of(options), RoutingTrace.read(rounds).header().lossy());
    }

    @Test
    void nothingSaysSoOfTheModelAsItWasTrained() {
        assertFalse(ok("run", TINY, "Once", "-n", "2").err().contains("lossy"));
        assertFalse(ok("run", TINY, "Once", "-n", "2", "--experts", "2").err().contains("lossy"));
        assertFalse(ok("explain", TINY, "Once").out().contains("lossy"));
        Path logits = directory.resolve("logits.safetensors");
        assertFalse(ok("logits", TINY, "--ids", "1,5", "-o", logits.toString())
                .err()
                .contains("lossy"));
        Path trace = directory.resolve("t.jsonl.gz");
        ok("trace", "record", TINY, "--ids", "1,5", "--temp", "0", "-n", "2", "-o", trace.toString());
        assertEquals(Optional.empty(), RoutingTrace.read(trace).header().lossy());
        assertFalse(ok("trace", "show", trace.toString()).out().contains("lossy"));
    }

    @Test
    void anotherEngineIsNotComparedWith() {
        CommandLineRun run = CommandLineRun.inProcess(
                cache, "bench", "a.gguf", "--compare", "--peer", directory.toString(), "--experts", "1");
        assertEquals(Failure.USAGE, run.exitCode());
        assertEquals(
                "moetier: --compare does not go with --experts 1: the other engine computes what was trained",
                run.err().strip());
    }

    /// Before anything is imported.
    @Test
    void theSmallestBudgetIsThatOfTheChosenNumber() {
        long two = Json.parseObject(
                        ok("inspect", TINY, "--json").out().getBytes(StandardCharsets.UTF_8), Path.of("inspect"))
                .requireLong("minimum_ram_bytes");
        Path fresh = directory.resolve("cache");
        CommandLineRun run =
                CommandLineRun.inProcess(fresh, "run", TINY, "Once", "-n", "2", "--ram", "" + two, "--experts", "3");
        assertEquals(Failure.USAGE, run.exitCode(), run.err());
        assertTrue(run.err().startsWith("moetier: --ram: a budget of "), run.err());
        assertTrue(run.err().contains("the top-3 experts of one layer"), run.err());
        run = CommandLineRun.inProcess(fresh, "run", TINY, "Once", "-n", "2", "--ram", "" + two / 2, "--experts", "1");
        assertEquals(Failure.OK, run.exitCode(), run.err());
        run = CommandLineRun.inProcess(
                directory.resolve("other"), "run", TINY, "Once", "--ram", "" + two, "--experts", "17");
        assertEquals(Failure.USAGE, run.exitCode(), run.err());
        assertTrue(run.err().contains("--experts: cannot choose 17 of 16 experts"), run.err());
    }

    /// A foreign trace does not say with which options, only that lists may be shorter.
    @Test
    void aTraceOfFewerExpertsIsTunedWithItsModelAndOneOfMoreIsNot() {
        String model = TestData.golden("qwen2_moe").toString();
        CommandLineRun run = tune(model, 3, new int[] {1, 2}); // the model's are four of ten
        assertEquals(Failure.OK, run.exitCode(), run.err());
        run = tune(model, 3, new int[] {1, 2, 3});
        assertEquals(Failure.FAILED, run.exitCode());
        assertTrue(run.err().contains("top 3, but " + model + " has 2 layers of 10 experts, top 4"), run.err());
        assertEquals(Failure.FAILED, tune(model, 5, new int[] {1, 2, 3}).exitCode());
    }

    private CommandLineRun tune(String model, int topK, int[] chosen) {
        Path trace = directory.resolve("t.jsonl.gz");
        try (TraceRecorder recorder = new TraceRecorder(trace, TraceHeader.of("m", 10, topK, List.of(0, 1), ""))) {
            recorder.record(new TraceToken(
                    0,
                    0,
                    OptionalInt.of(0),
                    Phase.PREFILL,
                    new int[][] {chosen, chosen},
                    Optional.empty(),
                    Optional.empty()));
            recorder.finish();
        }
        return CommandLineRun.inProcess(
                cache, "tune", trace.toString(), "--model", model, "--policies", "lru", "--budgets", "50%");
    }

    private static String json(CommandLineRun run) {
        JsonObject object = Json.parseObject(run.out().getBytes(StandardCharsets.UTF_8), Path.of("output"));
        return object.requireString("lossy");
    }

    /// The last argument holds options, separated by blanks.
    private static CommandLineRun ok(String... args) {
        String[] words = with(List.of(args).subList(0, args.length - 1).toArray(String[]::new), args[args.length - 1]);
        CommandLineRun run = CommandLineRun.inProcess(cache, words);
        assertEquals(Failure.OK, run.exitCode(), run.err());
        return run;
    }

    private static String[] with(String[] args, String options) {
        return Stream.concat(Stream.of(args), Stream.of(options.split(" "))).toArray(String[]::new);
    }
}
