package io.moetier.cli.throughput;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.lab.throughput.Case;
import io.moetier.lab.throughput.Comparison;
import io.moetier.lab.throughput.Comparison.Change;
import io.moetier.lab.throughput.Measured;
import io.moetier.lab.throughput.Parts;
import io.moetier.lab.throughput.Samples;
import io.moetier.lab.throughput.Throughput;
import io.moetier.runtime.trace.TraceReader;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.Phase;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProfileTest {
    /// What was recorded twice of tiny-mixtral with kernels in C, so that no test depends on how fast this one is.
    private static final Path RECORDED = TestData.root().resolveSibling("docs/figures/profile");

    private static final Path FIRST = RECORDED.resolve("tiny-mixtral.json");
    private static final Path AGAIN = RECORDED.resolve("tiny-mixtral-again.json");

    @TempDir
    Path directory = Path.of("");

    private CommandLineRun run(Object... words) {
        String[] arguments = new String[words.length];
        for (int i = 0; i < words.length; i++) {
            arguments[i] = words[i].toString();
        }
        return CommandLineRun.inProcess(directory.resolve("cache"), arguments);
    }

    @Test
    void everyPointIsMeasuredAndTold() throws IOException {
        Path json = directory.resolve("a.json");
        Path page = directory.resolve("a.html");
        Path jfr = directory.resolve("a.jfr");
        Path model = directory.resolve("models--org--tiny-mixtral/snapshots/0123456789"); // as the hub's cache has it
        Files.createDirectories(model.resolveSibling("."));
        Files.createSymbolicLink(model, TestData.tinyMixtral());
        CommandLineRun run = run(
                "profile",
                model,
                "-p=4,8",
                "-n=4",
                "--depths=0,8",
                "--budgets=100%,25%",
                "--thread-counts=1,2",
                "--seconds=0.6",
                "--json",
                json,
                "--report",
                page,
                "--jfr",
                jfr);
        assertEquals(0, run.exitCode(), run.err());
        assertTrue(run.out().contains("Prompts are computed at up to "), run.out());
        assertTrue(run.out().contains("generate 4 behind 8"), run.out());
        assertTrue(run.out().contains("threads generate "), run.out());
        assertFalse(run.out().contains("█"), run.out()); // no terminal
        Throughput measured = Throughput.read(json);
        assertEquals("tiny-mixtral", measured.model());
        assertEquals(12, measured.cases().size()); // two prompts and two depths, with three settings
        assertTrue(measured.cases().stream()
                .allMatch(each -> each.samples().seconds() > 0 && each.parts().seconds() > 0));
        assertTrue(Files.readString(page).contains("<title>Where the time goes in tiny-mixtral</title>"));
        assertTrue(Files.size(jfr) > 0);
        Path trace = directory.resolve("trace.jsonl.gz");
        CommandLineRun recorded = run("trace", "record", model, "--ids=1", "-n=1", "--out", trace);
        assertEquals(0, recorded.exitCode(), recorded.err());
        assertTrue(recorded.err().contains(trace + ": 1 token, drawn with --seed "), recorded.err());
        assertEquals("tiny-mixtral", tracedModel(trace));
        trace = directory.resolve("bench.jsonl.gz");
        assertEquals(
                0, run("bench", model, "-p=2", "-n=1", "-r=1", "--trace", trace).exitCode());
        assertEquals("tiny-mixtral", tracedModel(trace));
        CommandLineRun same = run("profile", "diff", json, json);
        assertEquals(0, same.exitCode(), same.err());
    }

    @Test
    void aCacheThatCannotBeWrittenHidesNothingThatWasMeasured() throws IOException {
        Path store = directory.resolve("tiny.mtier");
        assertEquals(0, run("import", TestData.tinyMixtral(), "--out", store).exitCode());
        Path file = Files.createFile(directory.resolve("file"));
        CommandLineRun run = CommandLineRun.inProcess(
                file, "profile", store.toString(), "-p=2", "-n=2", "--budgets=25%", "--threads=1", "--seconds=0.1");
        assertEquals(0, run.exitCode(), run.err());
        assertTrue(run.out().contains("\nThe disk of the cache folder was not measured: " + file), run.out());
        assertTrue(run.out().contains("generate 2 behind 2"), run.out());
    }

    @Test
    void whatLossBringsIsTold() throws IOException {
        Path json = directory.resolve("a.json");
        Path page = directory.resolve("a.html");
        Object[] command = {
            "profile",
            TestData.tinyMixtral(),
            "-p=4",
            "-n=4",
            "--depths=0",
            "--budgets=25%",
            "--threads=1",
            "--max-klds=0.2,0.01",
            "--seconds=0.3",
            "--json",
            json,
            "--report",
            page
        };
        CommandLineRun uncalibrated = run(command);
        assertEquals(2, uncalibrated.exitCode());
        assertTrue(uncalibrated.err().contains("perplexity measures that"), uncalibrated.err());
        assertTrue(uncalibrated.err().contains("moetier: --max-klds: it is not known"), uncalibrated.err());
        Path text = Files.writeString(directory.resolve("text"), "Once upon a time there was a king. ".repeat(9));
        CommandLineRun calibrated =
                run("perplexity", TestData.tinyMixtral(), "--file", text, "--ctx=32", "--calibrate");
        assertEquals(0, calibrated.exitCode(), calibrated.err());
        CommandLineRun run = run(command);
        assertEquals(0, run.exitCode(), run.err());
        assertTrue(run.out().contains("A loss of up to 0.01 nats, of which about 0.0"), run.out());
        assertTrue(run.out().contains("A loss of up to 0.2 nats, of which about 0."), run.out());
        assertTrue(run.out().contains("25%, lossy up to 0.2"), run.out());
        assertTrue(Files.readString(page).contains("Speed for loss"));
        assertEquals(
                List.of(0.0, 0.0, 0.01, 0.2), // a prompt, and generation with each
                Throughput.read(json).cases().stream()
                        .map(each -> each.of().maxKld())
                        .toList());
        List<JsonObject> settings = Json.readObject(json).requireObjects("settings");
        assertFalse(
                settings.getFirst().optionalDouble("estimated_kl_divergence").isPresent());
        double estimated = settings.getLast().requireDouble("estimated_kl_divergence");
        assertTrue(estimated > 0 && estimated <= 0.2, "estimated " + estimated);
    }

    private static String tracedModel(Path trace) {
        try (TraceReader reader = TraceReader.open(trace)) {
            return reader.header().model();
        }
    }

    @Test
    void theSameVersionRaisesNoAlarm() {
        CommandLineRun run = run("profile", "diff", FIRST, AGAIN);
        assertEquals(0, run.exitCode(), run.out());
        SplittableRandom random = new SplittableRandom(1);
        Throughput recorded = Throughput.read(AGAIN);
        for (int seed = 0; seed < 50; seed++) {
            Comparison same = Comparison.of(resampled(recorded, random), resampled(recorded, random), 0.05, seed);
            assertFalse(same.hasRegression(), "seed " + seed);
        }
    }

    /// Returns what might as well have been recorded: rounds by chance, and steps of each.
    private static Throughput resampled(Throughput recorded, SplittableRandom random) {
        return changed(recorded, measured -> {
            List<long[]> rounds = measured.samples().rounds();
            return new Samples(random.ints(rounds.size(), 0, rounds.size())
                    .mapToObj(rounds::get)
                    .map(steps -> random.ints(steps.length, 0, steps.length)
                            .mapToLong(i -> steps[i])
                            .toArray())
                    .toList());
        });
    }

    private static Samples longer(Samples samples, double factor) {
        return new Samples(samples.rounds().stream()
                .map(steps -> LongStream.of(steps)
                        .map(nanos -> Math.round(nanos * factor))
                        .toArray())
                .toList());
    }

    private static Throughput changed(Throughput recorded, Function<Measured, Samples> samples) {
        List<Measured> all = new ArrayList<>();
        for (Measured each : recorded.cases()) {
            all.add(new Measured(
                    each.of(),
                    samples.apply(each),
                    each.parts(),
                    each.peaks(),
                    each.warmUp(),
                    each.hitRate(),
                    each.queueSeconds()));
        }
        return new Throughput(recorded.model(), recorded.device(), all);
    }

    @Test
    void aKnownSlowdownIsFoundWhereItIs() {
        Throughput recorded = Throughput.read(AGAIN);
        Measured slow = recorded.cases().getLast();
        Throughput slower =
                changed(recorded, each -> each.equals(slow) ? longer(each.samples(), 1.25) : each.samples());
        List<Change> regressions = Comparison.of(recorded, slower, 0.05, 0).changes().stream()
                .filter(Change::isRegression)
                .toList();
        assertEquals(List.of(slow.of()), regressions.stream().map(Change::of).toList());
    }

    @Test
    void aRegressionIsToldAndEndsWithOne() throws IOException {
        Throughput slower = changed(Throughput.read(AGAIN), each -> longer(each.samples(), 1.5));
        Path file = Files.writeString(directory.resolve("slower.json"), Json.write(slower.fields()));
        CommandLineRun run = run("profile", "diff", AGAIN, file);
        assertEquals(1, run.exitCode(), run.out());
        assertTrue(run.out().contains("Slower: "), run.out());
        CommandLineRun json = run("profile", "diff", AGAIN, file, "--json");
        assertEquals(1, json.exitCode());
        assertTrue(parse(json.out()).optionalBoolean("regression").orElse(false));
        assertEquals(0, run("profile", "diff", file, AGAIN).exitCode()); // faster
        assertEquals(
                0, run("profile", "diff", AGAIN, file, "--threshold", "90%").exitCode());
    }

    @Test
    void whatFewRoundsCannotTellIsSaid() throws IOException {
        Throughput recorded = Throughput.read(AGAIN);
        Throughput slower = changed(
                recorded, each -> new Samples(longer(each.samples(), 9).rounds().subList(0, 4)));
        Throughput other = new Throughput("another", "a GPU", slower.cases().subList(0, 2));
        Path file = Files.writeString(directory.resolve("few.json"), Json.write(other.fields()));
        CommandLineRun run = run("profile", "diff", AGAIN, file);
        String undecided = "Undecided: 2 of 2 points have fewer than 5 rounds; more --seconds of profile give more.";
        assertTrue(run.out().startsWith(undecided + "\nNot alike: "), run.out());
        assertFalse(run.out().contains(" no\n"), run.out());
        JsonObject json = parse(run("profile", "diff", AGAIN, file, "--json").out());
        List<?> notes = (List<?>) Objects.requireNonNull(json.asMap().get("notes"));
        assertEquals(undecided, notes.getFirst());
        assertTrue(("" + notes.get(1)).endsWith(", and another by a GPU."), () -> "" + notes);
        assertEquals(4, json.requireObjects("changes").getFirst().requireInt("rounds"));
        Throughput one = new Throughput("another", "a GPU", slower.cases().subList(0, 1));
        Files.writeString(file, Json.write(one.fields()));
        String single = run("profile", "diff", AGAIN, file).out();
        assertTrue(single.startsWith("Undecided: 1 of 1 point has fewer than 5 rounds; "), single);
    }

    @Test
    void aChartNamesTheGpuAndCountsThreadsOfTheProcessor() {
        assertEquals("100%, GPU, at 8", ProfilePage.shortLabel(new Case(Phase.DECODE, 4, 8, "100%", 0, 0)));
        assertEquals("25%, 2 thr., at 0", ProfilePage.shortLabel(new Case(Phase.DECODE, 4, 0, "25%", 2, 0)));
    }

    private static JsonObject parse(String text) {
        return Json.parseObject(text.getBytes(StandardCharsets.UTF_8), Path.of("out"));
    }

    @Test
    void whatCannotBeComparedIsAWrongCommandLine() throws IOException {
        Path other = directory.resolve("other.json");
        Files.writeString(other, Files.readString(FIRST).replace("moetier-throughput/1", "moetier-throughput/9"));
        CommandLineRun version = run("profile", "diff", FIRST, other);
        assertEquals(2, version.exitCode());
        assertEquals(
                "moetier: " + other + ": format: expected moetier-throughput/1, the version that this program reads,"
                        + " found moetier-throughput/9",
                version.err().strip());
        assertEquals(
                2,
                run("profile", "diff", FIRST, directory.resolve("nothing.json")).exitCode());
        Files.writeString(other, "{\"format\":\"moetier-throughput/1\",\"cases\":[]}");
        assertEquals(2, run("profile", "diff", FIRST, other).exitCode());
        Measured some = Throughput.read(FIRST).cases().getFirst();
        Measured bare = new Measured(
                some.of(), longer(some.samples(), 2), new Parts(Map.of()), some.peaks(), some.warmUp(), 0, 0);
        Files.writeString(other, Json.write(new Throughput("", "", List.of(bare)).fields()));
        CommandLineRun empty = run("profile", "diff", FIRST, other);
        assertEquals(
                "moetier: " + other + ": cases[0].parts: expected what a step consists of, found nothing\n",
                empty.err());
        assertEquals(2, empty.exitCode());
        assertEquals(2, run("profile", "diff", FIRST, AGAIN, "--threshold", "5").exitCode());
        assertEquals(2, run("profile", "diff", FIRST).exitCode());
    }

    @Test
    void valuesThatCannotBeAreSaid() {
        Path model = TestData.tinyMixtral();
        assertEquals(2, run("profile").exitCode());
        assertEquals(2, run("profile", model, "-p", "0").exitCode());
        assertEquals(2, run("profile", model, "--seconds", "0").exitCode());
        assertEquals(2, run("profile", model, "--budgets", "0%").exitCode());
        assertEquals(
                "moetier: --budgets: expected a share such as 25%, or a size such as 4G, found 'half'\n",
                run("profile", model, "--budgets", "25%,half").err());
        assertEquals(2, run("profile", model, "--ram", "8M", "--budgets", "25%").exitCode());
        assertEquals(
                2,
                run("profile", model, "--threads", "1", "--thread-counts", "1").exitCode());
        assertEquals(2, run("profile", model, "-p", "100000").exitCode());
        assertTrue(run("profile", model, "--cluster", "c")
                .err()
                .startsWith("moetier: --cluster: bounds are those of this"));
        String help = run("profile", "--help").out();
        assertTrue(help.contains("--threads") && !help.contains("--cluster") && !help.contains("--tls"), help);
    }
}
