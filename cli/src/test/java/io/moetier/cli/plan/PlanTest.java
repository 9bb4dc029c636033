package io.moetier.cli.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.TinyGguf;
import io.moetier.cli.doctor.MachineFile;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.lab.cost.ByWorkingSet;
import io.moetier.lab.cost.DecodeCosts;
import io.moetier.lab.cost.LoadCosts;
import io.moetier.lab.cost.LoadingAhead;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.lab.cost.PromptCosts;
import io.moetier.lab.plan.Candidate;
import io.moetier.lab.plan.Place;
import io.moetier.runtime.hub.HubName;
import io.moetier.storage.expert.IoMode;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.HubDouble;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class PlanTest {
    private static final String TINY = TestData.tinyMixtral().toString();
    private static final ByWorkingSet NOTHING = ByWorkingSet.of(Map.of(1L, 0.0));

    @TempDir
    Path cache = Path.of("");

    static Stream<Path> goldenCases() throws IOException {
        try (Stream<Path> folders = Files.list(TestData.golden("mixtral").resolveSibling("."))) {
            return folders.filter(folder -> Files.exists(folder.resolve("config.json"))).sorted().toList().stream();
        }
    }

    @ParameterizedTest
    @MethodSource("goldenCases")
    void everyModelIsPlanned(Path model) {
        JsonObject plan = json("plan", model.toString(), "--device", "rtx3060", "--json");
        assertEquals(PlanReport.FORMAT, plan.requireString("format"));
        JsonObject first = plan.requireObjects("alternatives").getFirst();
        JsonObject memory = first.requireObject("memory");
        assertTrue(memory.requireObject("device").requireLong("expert_slots") > 0);
        JsonObject speed = first.requireObject("tokens_per_second");
        assertTrue(speed.requireDouble("low") < speed.requireDouble("likely")
                && speed.requireDouble("likely") < speed.requireDouble("high"));
        assertTrue(plan.requireInt("recommended") >= 0);
        for (JsonObject help : plan.requireObjects("helps")) {
            assertEquals(List.of("what", "factor"), List.copyOf(help.asMap().keySet()));
        }
    }

    @Test
    void whatIsPlannedIsWhatARunHas() {
        JsonObject memory = json("plan", TINY, "--json")
                .requireObjects("alternatives")
                .getFirst()
                .requireObject("memory");
        long experts = memory.requireLong("expert_bytes");
        JsonObject bench =
                json("bench", TINY, "-p", "0", "-n", "4", "-r", "1", "--ram", experts / 1024 + "K", "--json");
        assertEquals(memory.requireInt("expert_slots"), bench.requireInt("expert_slots"));
        assertEquals(experts, bench.requireLong("expert_slot_bytes"));
        assertEquals(
                memory.requireObject("parts").requireLong("other weights"), bench.requireLong("other_weight_bytes"));
    }

    @Test
    void aMeasuredMachineTellsPromptsAndTheFirstToken() throws IOException {
        LoadCosts loads = new LoadCosts(0, 0, 0, 1e-9, 0, LoadingAhead.UNKNOWN);
        DecodeCosts costs = new DecodeCosts(
                Map.of(DType.BF16, ByWorkingSet.of(Map.of(1L, 10e9))), NOTHING, NOTHING, NOTHING, 0, loads, loads);
        Map<String, Object> fields = MachineProfile.ofHost("a machine", 10e9, 1e9, 4e9, 0)
                .withDecodeCosts(costs)
                .fields();
        PromptCosts prompts =
                new PromptCosts(Map.of(DType.BF16, new PromptCosts.Products(1e-10, 1e-9)), 1e-6, 1e-9, 1e-11);
        fields.put(PromptCosts.KEY, prompts.fields());
        Path file = cache.resolve("machine-of-mine.json");
        Files.writeString(file, Json.write(fields));
        Files.writeString(MachineFile.in(cache), Json.write(fields));
        for (String[] device : new String[][] {{}, {"--device", file.toString()}}) {
            String[] command = Stream.concat(Stream.of("plan", TINY, "--ctx", "1k", "--json"), Stream.of(device))
                    .toArray(String[]::new);
            JsonObject first = json(command).requireObjects("alternatives").getFirst();
            assertEquals(1024, first.requireInt("context"));
            double prompt = first.requireObject("prompt_tokens_per_second").requireDouble("likely");
            double seconds = first.requireObject("seconds_to_first_token").requireDouble("likely");
            double token = 1 / first.requireObject("tokens_per_second").requireDouble("likely");
            assertEquals(512 / prompt + token, seconds, 1e-9);
        }
        String text = ok("plan", TINY, "--ctx", "1k", "--ram", "4G");
        assertTrue(text.contains("Speeds are those of a machine, as doctor measured it"), text);
        assertTrue(text.contains("\n  ./moetier run " + TINY + " --ctx 1024 --ram "), text);
        assertTrue(text.contains("What would help: "), text);
        assertFalse(text.contains("There is no prompt/s"), text);
        fields.remove(PromptCosts.KEY);
        fields.put("prompt_row_seconds", Map.of("bf16", 1e-9)); // of an earlier version
        Files.writeString(MachineFile.in(cache), Json.write(fields));
        assertTrue(ok("plan", TINY).contains("There is no prompt/s: an earlier version measured this machine"));
        text = ok("plan", TINY, "--io", "direct", "--device", "rtx3060", "--ram", "4G");
        assertTrue(text.contains(" --io direct --device cuda"), text);
    }

    @Test
    void withoutAMeasurementOnlyMemoryIsTold() {
        String text = ok("plan", TINY);
        assertTrue(
                text.contains("No speeds: this machine was not measured; run moetier doctor, or give --device"), text);
        assertTrue(text.contains("keys and values"), text);
    }

    /// A prompt has room in its context, and one token behind it.
    @Test
    void promptsAreAsLongAsTheirContextsAllow() {
        JsonObject plan = json("plan", TINY, "--ctx", "256", "--json");
        assertEquals(512, plan.requireInt("prompt_tokens"));
        for (JsonObject each : plan.requireObjects("alternatives")) {
            assertEquals(Math.min(512, each.requireInt("context") - 1), each.requireInt("prompt_tokens"));
        }
        assertTrue(
                ok("plan", TINY, "--ctx", "256").contains("; a prompt has 512 tokens, or one less than the context."));
        assertTrue(ok("plan", TINY).contains("; a prompt has 512 tokens.\n"));
        String least = ok("plan", TINY, "--ctx", "1");
        assertTrue(least.contains("\na full context          1 token\n"), least);
        assertTrue(ok("plan", TestData.golden("qwen3_moe_yarn").toString()).contains("; a prompt has 255 tokens.\n"));
    }

    @Test
    void whatCannotFitIsOneSentenceWithTheParts() {
        CommandLineRun run = CommandLineRun.inProcess(cache, "plan", TINY, "--ram", "40M");
        assertEquals(Failure.USAGE, run.exitCode());
        assertTrue(
                run.err().startsWith("moetier: --ram: ")
                        && run.err().contains("other weights")
                        && run.err().contains("reserve")
                        && run.err().lines().count() == 1,
                run.err());
        run = CommandLineRun.inProcess(cache, "plan", TINY, "--device", "rtx3060", "--vram", "1M");
        assertTrue(run.err().contains("this model needs at least"), run.err());
    }

    @Test
    void aPageHasTheSame() throws IOException {
        Path page = cache.resolve("plan.html");
        String text = ok("plan", TINY, "--device", "rtx4090", "--report", page.toString());
        assertFalse(text.contains("would help"), "fewer bits are a fiftieth faster: " + text);
        String html = Files.readString(page);
        assertTrue(html.contains("<h2>Alternatives</h2>") && html.contains("recommended"), html);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--device rtx9999 | --device: expected a profile in a file, one of rtx3060, ",
                "--device cuda:999 | --device: ",
                "--vram 4G | --vram is of a GPU: name one with --device",
                "--ctx 0 | --ctx: expected a number of tokens such as 4096 or 32k, found '0'",
                "--ctx 9999k | is more than the",
            })
    void whatCannotBeIsSaid(String options, String sentence) {
        String[] command = Stream.concat(Stream.of("plan", TINY), Stream.of(options.split(" ")))
                .toArray(String[]::new);
        CommandLineRun run = CommandLineRun.inProcess(cache, command);
        assertEquals(Failure.USAGE, run.exitCode(), run.err());
        assertTrue(run.err().contains(sentence), run.err());
    }

    @Test
    void anEmptyNameIsNotTheCurrentDirectory() {
        CommandLineRun run = CommandLineRun.inProcess(cache, "plan", "");
        assertEquals(Failure.USAGE, run.exitCode(), run.err());
        assertEquals("moetier: MODEL must not be empty\n", run.err());
    }

    @Test
    void aDeviceMayBeNamedInLargeLetters() {
        CommandLineRun run = CommandLineRun.inProcess(cache, "plan", TINY, "--device", "RTX3060");
        assertEquals(Failure.OK, run.exitCode(), run.err());
        assertTrue(run.out().contains("Speeds are bounds by published figures of rtx3060"), run.out());
    }

    @Test
    void aTraceOfAnotherModelIsRefused() {
        CommandLineRun run = CommandLineRun.inProcess(
                cache,
                "plan",
                TINY,
                "--device",
                "rtx3060",
                "--trace",
                TestData.trace("gpt-oss-20b_misc_small").toString());
        assertEquals(Failure.FAILED, run.exitCode());
        assertTrue(run.err().contains("a trace of 24 layers of 32 experts, top 4, but the model has"), run.err());
    }

    @Test
    void aTraceIsRefusedAlsoWhereNoSpeedIsKnown() {
        CommandLineRun other = CommandLineRun.inProcess(
                cache,
                "plan",
                TINY,
                "--trace",
                TestData.trace("gpt-oss-20b_misc_small").toString());
        assertEquals(Failure.FAILED, other.exitCode(), other.out());
        CommandLineRun none = CommandLineRun.inProcess(cache, "plan", TINY, "--trace", "/nowhere.jsonl.gz");
        assertEquals(Failure.FAILED, none.exitCode(), none.out());
    }

    /// What fills caches is not counted, so a prompt alone, which is computed at once, tells nothing.
    @Test
    void aTraceOfOneStepTellsNothing() {
        Path trace = cache.resolve("prompt.jsonl.gz");
        ok("trace", "record", TINY, "--ids", "1,5,9,200", "-n", "1", "--out", trace.toString());
        CommandLineRun run =
                CommandLineRun.inProcess(cache, "plan", TINY, "--device", "rtx3060", "--trace", trace.toString());
        assertEquals(Failure.FAILED, run.exitCode(), run.out());
        assertEquals(
                "moetier: " + trace
                        + ": steps: expected one behind the first quarter of the tokens, in which caches fill, found none\n",
                run.err());
    }

    @Test
    void theGpuOfAProfileIsNotCalledLikeItsFile() {
        PlanReport.Asked asked = new PlanReport.Asked(0, false, "cuda-box.json", IoMode.AUTO);
        assertEquals("cuda", asked.gpu(Place.Origin.FILE));
        assertEquals("cuda:1", new PlanReport.Asked(0, false, "cuda:1", IoMode.AUTO).gpu(Place.Origin.MEASURED));
    }

    @ParameterizedTest
    @ValueSource(strings = {"4096", "4k", "4K"})
    void contextsAreNumbersOrThousands(String text) {
        assertEquals(4096, PlanCommand.tokens(text));
        assertThrows(IllegalArgumentException.class, () -> PlanCommand.tokens(text + "x"));
    }

    /// Only headers come from the hub, and what they tell is what the files themselves tell.
    @Test
    void aModelOnTheHubIsPlannedByItsHeaders() throws IOException {
        try (HubDouble hub = HubDouble.start()) {
            hub.put("org/tiny", TestData.tinyMixtral());
            Map<String, String> variables = Map.of(
                    "MOETIER_CACHE",
                    cache.toString(),
                    "HF_ENDPOINT",
                    hub.endpoint().toString());
            CommandLineRun run = CommandLineRun.inProcess(
                    variables, cache.resolve("home"), "plan", "hf:org/tiny", "--device", "rtx3060", "--json");
            assertEquals(Failure.OK, run.exitCode(), run.err());
            JsonObject there = Json.parseObject(run.out().getBytes(StandardCharsets.UTF_8), Path.of("out"));
            JsonObject here = json("plan", TINY, "--device", "rtx3060", "--json");
            List<Long> bytes = weightBytes(there);
            assertEquals(weightBytes(here), bytes);
            assertTrue(there.optionalStrings("notes").orElseThrow().getFirst().startsWith("read "));
            long read = hub.requests().stream()
                    .filter(request -> request.path().endsWith(".safetensors"))
                    .filter(HubDouble.Request::isOfFile)
                    .mapToLong(request -> request.to() - request.from() + 1)
                    .sum();
            assertTrue(read < 1 << 20, "read " + read);
        }
    }

    /// One of 200,000 tensors is as large.
    @Test
    void anIndexOfManyTensorsIsReadWhole() throws IOException {
        String name = "model.safetensors.index.json";
        Map<String, byte[]> files = new HashMap<>();
        try (Stream<Path> all = Files.list(TestData.golden("mixtral_sharded"))) {
            for (Path file : all.filter(Files::isRegularFile).toList()) {
                files.put(String.valueOf(file.getFileName()), Files.readAllBytes(file));
            }
        }
        byte[] index = Objects.requireNonNull(files.get(name));
        byte[] large = Arrays.copyOf(index, 17 << 20);
        Arrays.fill(large, index.length, large.length, (byte) ' ');
        files.put(name, large);
        try (HubDouble hub = HubDouble.start()) {
            hub.put("org/large", files);
            assertTrue(candidates(hub, "hf:org/large").list().getFirst().model().bytes() > 0);
        }
    }

    @Test
    void standInsDoNotStay() throws IOException {
        try (HubDouble hub = HubDouble.start()) {
            hub.put("org/tiny", TestData.tinyMixtral());
            candidates(hub, "hf:org/tiny");
        }
    }

    /// One file of many that is damaged is named and left out, unless it is the one that was asked for.
    @Test
    void oneFileThatCannotBeReadDoesNotHideTheOthers() throws IOException {
        byte[] whole = Files.readAllBytes(new TinyGguf().write(cache.resolve("whole.gguf")));
        byte[] damaged = new byte[whole.length];
        try (HubDouble hub = HubDouble.start()) {
            hub.put("org/many", Map.of("many-Q4_0.gguf", damaged, "many-Q8_0.gguf", whole));
            for (String name : List.of("hf:org/many:Q8_0", "hf:org/many")) {
                PlanCandidates found = candidates(hub, name);
                assertEquals(
                        List.of("many-Q8_0.gguf"),
                        found.list().stream().map(Candidate::label).toList());
                assertTrue(
                        found.notes()
                                .getLast()
                                .startsWith("left out many-Q4_0.gguf, which cannot be read:"
                                        + " hf:org/many/many-Q4_0.gguf: magic: "),
                        () -> "" + found.notes());
            }
            MalformedModelException refusal =
                    assertThrows(MalformedModelException.class, () -> candidates(hub, "hf:org/many:Q4_0"));
            assertTrue(("" + refusal.getMessage()).startsWith("hf:org/many/many-Q4_0.gguf: magic: "));
            hub.put("org/two", Map.of("two-Q4_0.gguf", whole, "two-Q8_0.gguf", whole));
            assertEquals(2, candidates(hub, "hf:org/two").list().size());
            assertEquals(1, candidates(hub, "hf:org/two", 1).list().size());
            assertEquals(1, candidates(hub, "hf:org/many", 1).list().size());
        }
    }

    private PlanCandidates candidates(HubDouble hub, String name) throws IOException {
        return candidates(hub, name, HubCandidates.MOST_MODELS);
    }

    private PlanCandidates candidates(HubDouble hub, String name, int most) throws IOException {
        Path folder = Files.createDirectories(cache.resolve("stand-ins"));
        Surroundings surroundings =
                new Surroundings(Map.of("HF_ENDPOINT", hub.endpoint().toString()), cache.resolve("home"), "");
        Streams streams =
                new Streams(InputStream.nullInputStream(), new StringWriter(), new PrintWriter(new StringWriter()));
        try {
            return new HubCandidates(surroundings, streams, folder).of(HubName.parse(name), most);
        } finally {
            try (Stream<Path> left = Files.list(folder)) {
                assertEquals(List.of(), left.toList());
            }
        }
    }

    @Test
    void whereSpeedsComeFromIsSaid() throws IOException {
        assertTrue(ok("plan", TINY, "--device", "rtx3060")
                .contains("Speeds are bounds by published figures of rtx3060, which nobody measured here."));
        Path file = cache.resolve("gpu-of-mine.json");
        Files.writeString(
                file,
                "{\"name\":\"mine\",\"device_bytes_per_second\":1e11,\"link_bytes_per_second\":1e10,"
                        + "\"device_memory_bytes\":4e9}");
        String text = ok("plan", TINY, "--device", file.toString());
        assertTrue(
                text.contains("Speeds are bounds by the rates of memory and link that the profile of mine gives."),
                text);
        assertTrue(text.contains("how far predictions are off is a guess"), text);
    }

    private static List<Long> weightBytes(JsonObject plan) {
        return plan.requireObjects("alternatives").stream()
                .map(each -> each.requireLong("weight_bytes"))
                .toList();
    }

    private JsonObject json(String... command) {
        return Json.parseObject(ok(command).getBytes(StandardCharsets.UTF_8), Path.of("out"));
    }

    private String ok(String... command) {
        CommandLineRun run = CommandLineRun.inProcess(cache, command);
        assertEquals(Failure.OK, run.exitCode(), run.err());
        return run.out();
    }
}
