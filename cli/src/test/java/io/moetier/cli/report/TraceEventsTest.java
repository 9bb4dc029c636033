package io.moetier.cli.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.terminal.Failure;
import io.moetier.kernels.device.DeviceMarks;
import io.moetier.runtime.metrics.Section;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.Phase;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TraceEventsTest {
    private static final String MODEL = TestData.golden("mixtral").toString();
    private static final double MICROS = 1e6;

    @TempDir
    static Path directory = Path.of("");

    /// A complete event of the format: microseconds since the file's zero; bytes where it moves any.
    private record Span(String name, double start, double duration, double bytes) {
        double end() {
            return start + duration;
        }
    }

    /// Reads a file as Perfetto does: rows are named by metadata events, and all others are complete events.
    private static Map<String, List<Span>> read(Path file) {
        Map<Integer, String> names = new LinkedHashMap<>();
        Map<String, List<Span>> rows = new LinkedHashMap<>();
        for (JsonObject event : Json.readObject(file).requireObjects("traceEvents")) {
            assertEquals(1, event.requireInt("pid"));
            switch (event.requireString("ph")) {
                case "M" -> {
                    if (event.requireString("name").equals("thread_name")) {
                        names.put(
                                event.requireInt("tid"),
                                event.requireObject("args").requireString("name"));
                    }
                }
                case "X" ->
                    rows.computeIfAbsent(names.get(event.requireInt("tid")), _ -> new ArrayList<>())
                            .add(new Span(
                                    event.requireString("name"),
                                    event.requireDouble("ts"),
                                    event.requireDouble("dur"),
                                    event.optionalObject("args")
                                            .flatMap(arguments -> arguments.optionalDouble("bytes"))
                                            .orElse(0.0)));
                default -> throw new AssertionError(event.asMap());
            }
        }
        rows.values().forEach(TraceEventsTest::assertOneAfterTheOther);
        return rows;
    }

    private static void assertOneAfterTheOther(List<Span> spans) {
        spans.sort(Comparator.comparingDouble(Span::start));
        double end = 0;
        for (Span span : spans) {
            assertTrue(span.start() >= end - 1e-6 && span.duration() >= 0, () -> span + " in " + spans);
            end = span.end();
        }
    }

    private static JsonObject bench(Path file, int rounds, String... options) {
        List<String> command = new ArrayList<>(List.of("bench", MODEL, "-p", "5", "-n", "3", "--json"));
        command.addAll(List.of("-r", Integer.toString(rounds)));
        command.addAll(List.of("--trace-events", file.toString()));
        command.addAll(List.of(options));
        CommandLineRun run = CommandLineRun.inProcess(directory.resolve("cache"), command.toArray(String[]::new));
        assertEquals(Failure.OK, run.exitCode(), run.err());
        return Json.parseObject(run.out().getBytes(StandardCharsets.UTF_8), Path.of("output"));
    }

    private static double sum(List<Span> spans, String name) {
        return spans.stream()
                .filter(span -> span.name().equals(name))
                .mapToDouble(Span::duration)
                .sum();
    }

    private static Set<String> names(List<Span> spans) {
        Set<String> names = new TreeSet<>();
        spans.forEach(span -> names.add(span.name()));
        return names;
    }

    /// The sums of the file are those of the report, and the sections of all layers are all there is of a step.
    private static void assertAgrees(Map<String, List<Span>> rows, JsonObject report, int rounds) {
        List<Span> steps = rows.getOrDefault("steps", List.of());
        List<Span> sections = new ArrayList<>(rows.getOrDefault("computation", List.of()));
        sections.addAll(rows.getOrDefault("waits for experts", List.of()));
        double ofSections = sections.stream().mapToDouble(Span::duration).sum();
        double ofSteps = steps.stream().mapToDouble(Span::duration).sum();
        assertEquals(ofSteps, ofSections, 0.01 * steps.size());
        assertEquals(Set.of("decode", "prefill"), names(steps));
        assertTrue(names(sections).containsAll(Set.of("attention", "embedding", "experts", "head", "router")));

        JsonObject generation = report.requireObject("generation").requireObject("times");
        assertEquals(rounds * 3 * generation.requireDouble("seconds") * MICROS, sum(steps, "decode"), 0.1);
        double waits = generation.requireDouble("wait_seconds");
        assertEquals(rounds * 3 * waits * MICROS, waitsOfDecoding(rows), 0.1); // of a fast disk there may be none
        double parts = 0;
        for (String key : List.of("attention", "router", "experts", "wait", "embedding", "head", "feed_forward")) {
            parts += generation.requireDouble(key + "_seconds");
        }
        assertEquals(generation.requireDouble("seconds"), parts, 1e-9);
        double ofLayers = 0;
        for (JsonObject layer : generation.requireObjects("layers")) {
            ofLayers += layer.requireDouble("router_seconds");
        }
        assertEquals(generation.requireDouble("router_seconds"), ofLayers, 1e-9);
    }

    private static double waitsOfDecoding(Map<String, List<Span>> rows) {
        List<Span> steps = rows.getOrDefault("steps", List.of()).stream()
                .filter(step -> step.name().equals("decode"))
                .toList();
        return rows.getOrDefault("waits for experts", List.of()).stream()
                .filter(wait ->
                        steps.stream().anyMatch(step -> step.start() <= wait.start() && wait.end() <= step.end()))
                .mapToDouble(Span::duration)
                .sum();
    }

    @Test
    void ofTheProcessorShowsSectionsAndReads() {
        Path file = directory.resolve("cpu.json");
        JsonObject report = bench(file, 2, "--device", "cpu", "--ram", "100K");
        Map<String, List<Span>> rows = read(file);
        assertAgrees(rows, report, 2);
        List<Span> reads = new ArrayList<>();
        rows.forEach((name, spans) -> reads.addAll(name.startsWith("disk reads, moetier-loader-") ? spans : List.of()));
        double bytes = reads.stream().mapToDouble(Span::bytes).sum();
        assertTrue(bytes > 0);
        assertEquals("the host's clock", facts(file).requireString("clock"));
        assertEquals(0, facts(file).requireInt("spans_left_out"));
    }

    @Test
    void ofAnEmulatedGpuShowsItsEnginesInVirtualTime() {
        Path file = directory.resolve("gpu.json");
        JsonObject report = bench(file, 1, "--device", "emulated", "--ctx", "64");
        Map<String, List<Span>> rows = read(file);
        assertAgrees(rows, report, 1);
        assertTrue(names(rows.getOrDefault("kernels", List.of())).contains("attend_f16"), rows.keySet()::toString);
        assertTrue(rows.containsKey("copies to the GPU"));
        assertTrue(rows.containsKey("copies to main memory"));
        assertTrue(facts(file).requireString("clock").startsWith("virtual time of an emulated rtx3060"));
        double virtual = report.requireObject("generation").requireDouble("virtual_tokens_per_second");
        double inSteps =
                1 / report.requireObject("generation").requireObject("times").requireDouble("seconds");
        assertEquals(1, inSteps / virtual, 0.02); // sampling takes no virtual time
    }

    /// What is least, is less; and bytes alone take less than that.
    @Test
    void virtualTimeStaysAboveItsBounds() {
        JsonObject report =
                bench(directory.resolve("simulated.json"), 1, "--device", "simulated", "--ctx", "64", "--vram", "6M");
        JsonObject generation = report.requireObject("generation");
        double token = generation.requireObject("times").requireDouble("seconds");
        double bound = generation.requireDouble("bound_seconds");
        assertTrue(bound > 0.5 * token && bound < token, generation.asMap()::toString);
        assertTrue(generation.requireDouble("byte_bound_seconds") < bound, generation.asMap()::toString);
        assertTrue(facts(directory.resolve("simulated.json"))
                .requireString("clock")
                .startsWith("virtual time of a simulated rtx3060"));
        String table = CommandLineRun.inProcess(
                        directory.resolve("cache"),
                        "bench",
                        MODEL,
                        "--device",
                        "simulated",
                        "--ctx",
                        "64",
                        "-p",
                        "0",
                        "-n",
                        "2",
                        "-r",
                        "1")
                .out();
        assertTrue(table.matches("(?s).*\nleast of a token +milliseconds +reached\ncopies beside experts .*"), table);
    }

    /// A layer that waits for its experts: between two sections of computation, for as long as the marks say.
    @Test
    void showHowLongALayerWaits() throws IOException {
        Path file = directory.resolve("waits.json");
        try (TraceEvents events = new TraceEvents(file, 100)) {
            StepProfile profile = new StepProfile(new SetMarks(), 1, Optional.of(events));
            profile.count(Phase.DECODE);
            profile.onStep(Phase.DECODE, 1);
            profile.onLayer(0);
            for (Section section : List.of(Section.ROUTER, Section.WAIT, Section.EXPERTS)) {
                profile.enter(section);
            }
            profile.onStepEnd();
            events.finish(Map.of());
        }
        Map<String, List<Span>> rows = read(file);
        assertEquals(List.of(new Span("decode", 1, 3, 0)), rows.get("steps"));
        assertEquals(List.of(new Span(Section.WAIT.label(), 2, 1, 0)), rows.get("waits for experts"));
        assertEquals(2, rows.getOrDefault("computation", List.of()).size());
    }

    /// Marks that are reached a microsecond after each other.
    private static final class SetMarks implements DeviceMarks {
        private final List<Double> reached = new ArrayList<>();
        private double nanos;

        @Override
        public void set() {
            reached.add(nanos);
            nanos += 1000;
        }

        @Override
        public double[] take() {
            double[] all = reached.stream().mapToDouble(each -> each).toArray();
            reached.clear();
            return all;
        }

        @Override
        public void close() {}
    }

    private static JsonObject facts(Path file) {
        return Json.readObject(file).requireObject("otherData");
    }

    @Test
    void endAtTheirLimit() throws IOException {
        Path file = directory.resolve("limited.json");
        try (TraceEvents events = new TraceEvents(file, 2)) {
            events.begin(1000);
            for (int i = 1; i <= 5; i++) {
                events.span("row", "span " + i, 1000 * i, 1000 * i + 500, Map.of());
            }
            events.finish(Map.of());
            assertEquals(3, events.omitted());
        }
        assertEquals(
                List.of(new Span("span 1", 0, 0.5, 0), new Span("span 2", 1, 0.5, 0)),
                read(file).get("row"));
        assertEquals(3, facts(file).requireInt("spans_left_out"));
    }

    /// A run's timeline has its prompt and each token after it, on whatever clock.
    @ParameterizedTest
    @ValueSource(strings = {"cpu", "emulated"})
    void showARunToo(String device) {
        Path file = directory.resolve("run-" + device + ".json");
        CommandLineRun run = CommandLineRun.inProcess(
                directory.resolve("cache"),
                List.of(
                                "run",
                                MODEL,
                                "--ids",
                                "1,5,9,20",
                                "-n",
                                "3",
                                "--temp",
                                "0",
                                "--ignore-eos",
                                "--ctx",
                                "64",
                                "--profile",
                                "none",
                                "--device",
                                device,
                                "--trace-events",
                                file.toString())
                        .toArray(String[]::new));
        assertEquals(Failure.OK, run.exitCode(), run.err());
        Map<String, List<Span>> rows = read(file);
        List<String> steps =
                rows.getOrDefault("steps", List.of()).stream().map(Span::name).toList();
        assertEquals(List.of("prefill", "decode", "decode"), steps);
        assertTrue(names(rows.getOrDefault("computation", List.of()))
                .containsAll(Set.of("attention", "embedding", "experts", "head", "router")));
        assertEquals(device.equals("emulated"), rows.containsKey("kernels"));
        assertEquals(0, facts(file).requireInt("spans_left_out"));
    }

    @Test
    void areGivenUpWhereTheyCannotBeWrittenAndTheAnswerGoesOn() throws IOException, InterruptedException {
        Path store = directory.resolve("full.mtier");
        CommandLineRun.inProcess(directory.resolve("cache"), "import", MODEL, "--out", store.toString());
        Path file = directory.resolve("full.json");
        String[] command = {
            "run",
            store.toString(),
            "--ids",
            "1,5,9",
            "-n",
            "40",
            "--ignore-eos",
            "--temp",
            "0",
            "--profile",
            "none",
            "--kernels",
            "plain"
        };
        CommandLineRun whole = CommandLineRun.inProcess(directory.resolve("cache"), command);
        Path log = directory.resolve("full.log");
        List<String> traced = new ArrayList<>(List.of(command));
        traced.addAll(List.of("--trace-events", file.toString()));
        int exitCode = CommandLineRun.await(
                log,
                List.of("sh", "-c", "ulimit -f 16; exec \"$0\" \"$@\""),
                List.of("-XX:-UsePerfData"), // a file too
                traced.toArray(String[]::new));
        List<String> said = Files.readAllLines(log).stream()
                .filter(line -> !line.startsWith("WARNING"))
                .toList();
        assertEquals(Failure.FAILED, exitCode, said::toString);
        assertEquals(whole.out().strip(), said.getFirst());
        assertEquals("moetier: " + file + ": cannot be written: File too large", said.getLast());
        assertEquals(3, said.size(), said::toString);
        assertFalse(Files.exists(file));
    }

    @Test
    void areRefusedWhereNothingCanBeWritten() {
        Path nowhere = directory.resolve("none/x.json");
        CommandLineRun run = CommandLineRun.inProcess(
                directory.resolve("cache"), "bench", MODEL, "-p", "1", "-n", "0", "--trace-events", nowhere.toString());
        assertEquals(Failure.FAILED, run.exitCode());
        assertTrue(run.err().contains(nowhere + ": cannot be written: no such directory"), run.err());
        assertFalse(Files.exists(nowhere));
        CommandLineRun folder = CommandLineRun.inProcess(
                directory.resolve("cache"), "bench", MODEL, "--trace-events", directory.toString());
        assertTrue(folder.err().contains("--trace-events: expected a file, found the directory"), folder.err());
        assertEquals(Failure.USAGE, folder.exitCode());
    }

    @Test
    void aNumberThatChangesIsACurve() throws IOException {
        Path file = directory.resolve("numbers.json");
        try (TraceEvents events = new TraceEvents(file, 0)) {
            events.begin(1000);
            events.count("slots, host", 3500, 16);
            events.finish(Map.of());
        }
        JsonObject curve = Json.readObject(file).requireObjects("traceEvents").getLast();
        assertEquals("C", curve.requireString("ph"));
        assertEquals("slots, host", curve.requireString("name"));
        assertEquals(2.5, curve.requireDouble("ts"));
        assertEquals(16, curve.requireObject("args").requireInt("value"));
    }
}
