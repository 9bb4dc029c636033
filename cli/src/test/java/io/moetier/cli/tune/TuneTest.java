package io.moetier.cli.tune;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.doctor.MachineFile;
import io.moetier.cli.terminal.Failure;
import io.moetier.lab.cost.ByWorkingSet;
import io.moetier.lab.cost.DecodeCosts;
import io.moetier.lab.cost.LoadCosts;
import io.moetier.lab.cost.LoadingAhead;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.DType;
import io.moetier.testdata.HubDouble;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TuneTest {
    private static final String TINY = TestData.tinyMixtral().toString();
    private static final String GPT_OSS =
            TestData.trace("gpt-oss-20b_misc_small").toString();
    private static final String HEADER = """
            {"format":"moe-trace/1","model":"m","layers":2,"experts":4,"top_k":2,"moe_layer_indices":[0,1],"tokens":1,"requests":1}
            """;
    private static final String TOKEN = """
            {"r":0,"t":0,"p":"decode","e":[[3,1],[0,2]]}
            """;

    private static final ByWorkingSet NOTHING = ByWorkingSet.of(Map.of(1L, 0.0));

    @TempDir
    static Path cache = Path.of("");

    @TempDir
    Path directory = Path.of("");

    @Test
    void gateLearnsFromEarlierTraces() throws IOException {
        Path json = directory.resolve("tune.json");
        String out =
                ok("tune", GPT_OSS, "--policies", "gate", "--budgets", "25%", "--after", GPT_OSS, "--json", "" + json);
        assertTrue(out.contains("; admission layer; what gate has learnt from " + GPT_OSS + " goes on\n"), out);
        JsonObject fields = Json.readObject(json);
        assertEquals(List.of(GPT_OSS), fields.asMap().get("after"));
        double hindsight = fields.requireObjects("rows").getFirst().requireDouble("hitRate");
        assertTrue(hindsight > 0.76, "0.7506 from nothing, now " + hindsight);
    }

    @Test
    void aClusterOfOneFindsTheSame() throws IOException {
        Path alone = directory.resolve("alone.json");
        Path spread = directory.resolve("spread.json");
        String[] asked = {"tune", GPT_OSS, "--policies", "lru,slru", "--budgets", "25%", "--device", "rtx3060"};
        String[] sizes = {"--expert-bytes", "13G", "--json"};
        String out = ok(words(asked, sizes, "" + alone));
        assertTrue(out.contains(" 0.05   link "), out);
        CommandLineRun run = CommandLineRun.inProcess(cache, words(asked, sizes, "" + spread, "--cluster", "one"));
        assertEquals(Failure.OK, run.exitCode(), run.err());
        assertEquals(out, run.out());
        assertEquals(Files.readString(alone), Files.readString(spread));
        assertTrue(
                run.err().matches("3 tasks, 3 here: [0-9.]+ s, one after another [0-9.]+ s, [0-9.]+ times as fast.\n"),
                run.err());
    }

    private static String[] words(String[] first, String[] second, String... last) {
        return Stream.of(first, second, last).flatMap(Arrays::stream).toArray(String[]::new);
    }

    @Test
    void whatWarmingByTheKindOfTokenBringsIsSaid() throws IOException {
        Path model = TestData.golden("qwen3_vl_moe");
        Path trace = directory.resolve("seen.jsonl.gz");
        Path json = directory.resolve("tune.json");
        Path page = directory.resolve("tune.html");
        ok(
                "trace",
                "record",
                "" + model,
                "--ids",
                "1,2,3,312,310,313",
                "--image",
                model + "/image.png",
                "-n",
                "9",
                "--temp",
                "0",
                "-o",
                "" + trace);
        String out = ok("tune", "" + trace, "--budgets", "25%,50%", "--json", "" + json, "--report", "" + page);
        assertTrue(out.contains("most, by this one request itself: 24 of the tokens are of images\n"), out);
        assertTrue(out.contains("budget  slots  images: by all  by images  text: by all  by text  other experts"), out);
        assertTrue(out.contains("A cache is better warmed for each kind of token: it would find "), out);
        assertEquals(
                2, Json.readObject(json).requireObjects("warmed_by_modality").size());
        assertTrue(Files.readString(page).contains("A cache is better warmed for each kind of token"));
        assertFalse(ok("tune", GPT_OSS, "--budgets", "25%", "--policies", "lru").contains("kind of token"));
    }

    @Test
    void theTableComparesPoliciesAndBudgets() {
        String out = ok(
                "tune", GPT_OSS, "--policies", "lru,lfu,belady", "--budgets", "6.25%,25%", "--admission", "sequential");
        assertTrue(out.contains("1,461 tokens, 24 layers of 32 experts, top 4; admission sequential\n"), out);
        assertTrue(out.contains("25%       192     lru    62.3 %          36.2         0 %\n"), out);
        assertTrue(out.contains("25%       192  belady    83.9 %          15.4       100 %\n"), out);
        assertTrue(
                out.contains(
                        "6.25%: fewer slots than one token needs (24 layers × 4 experts = 96); what was used longest ago"
                                + " is what the next token needs, so lru finds little.\n"),
                out);
        assertTrue(out.contains("Recommended: lfu at 25% (192 slots), which needs 7 % fewer copies than lru.\n"), out);
    }

    /// This one finds 0.3 % less of the gap than LRU does.
    @Test
    void whatIsRoundedToNothingHasNoSign() {
        String trace = TestData.trace("deepseek-v2-lite_esft-translation_small").toString();
        String out = ok("tune", trace, "--policies", "slru", "--budgets", "56%");
        assertTrue(out.contains("  0 %\n"), out);
    }

    @Test
    void theRowsAreWritten() {
        Path json = directory.resolve("tune.json");
        ok(
                "tune",
                GPT_OSS,
                "--budgets",
                "25%,4G",
                "--expert-bytes",
                "13.2MB",
                "--device",
                "rtx3060",
                "--json",
                json.toString());
        JsonObject found = Json.readObject(json);
        assertEquals(GPT_OSS, found.requireString("trace"));
        assertEquals("layer", found.requireString("admission"));
        List<JsonObject> rows = found.requireObjects("rows");
        JsonObject lru = rows.getFirst();
        assertEquals("lru", lru.requireString("policy"));
        assertEquals("25%", lru.requireString("budget"));
        assertEquals(192, lru.requireInt("slots"));
        assertEquals(0.6243, lru.requireDouble("hitRate"), 0.00005);
        assertEquals(13.2e6 * 96 * (1 - lru.requireDouble("hitRate")), lru.requireDouble("bytesPerToken"), 1);
        assertEquals("link", lru.requireString("bound"));
        assertEquals(0, lru.requireDouble("gapClosed"));
        // no faster than the link, nor slower than if it waited for the link in every layer
        double seconds = 1 / lru.requireDouble("predictedTokensPerSecond");
        double link = lru.requireDouble("bytesPerToken") / 25e9 + 24 * 40e-6;
        assertTrue(seconds >= link && seconds < link + 96 * 13.2e6 / 288e9, () -> seconds + " " + link);
        JsonObject optimum = rows.getLast();
        assertEquals("belady", optimum.requireString("policy"));
        assertEquals("4G", optimum.requireString("budget"));
        assertEquals((4L << 30) / 13_200_000, optimum.requireInt("slots"));
        assertEquals(1, optimum.requireDouble("gapClosed"));
    }

    /// What the processor computes is not copied, and what is assumed is said.
    @Test
    void missingExpertsAreWhereRunWouldHaveThem() throws IOException {
        String[] command = {
            "tune", GPT_OSS, "--expert-bytes", "13.2MB", "--device", "rtx3060", "--policies", "lru", "--budgets", "25%"
        };
        String copied = ok(command);
        assertTrue(copied.contains("; admission layer, misses copy\n"), copied);
        assertEquals(copied, ok(withOptions(command, "--misses", "copy")));
        Path json = directory.resolve("tune.json");
        double copies = speed(json, command);
        double cpu = speed(json, withOptions(command, "--misses", "cpu"));
        double auto = speed(json, withOptions(command, "--misses", "auto"));
        assertTrue(auto > copies && auto > cpu, () -> copies + " " + cpu + " " + auto);
        JsonObject found = Json.readObject(json);
        assertEquals("auto", found.requireString("misses"));
        JsonObject row = found.requireObjects("rows").getFirst();
        assertTrue(row.requireDouble("copiesPerToken") < 96 * (1 - row.requireDouble("hitRate")));
    }

    private static double speed(Path json, String[] command) {
        ok(withOptions(command, "--json", json.toString()));
        return Json.readObject(json).requireObjects("rows").getFirst().requireDouble("predictedTokensPerSecond");
    }

    @Test
    void missesAreOfAGpuWithAProcessorBesideIt() throws IOException {
        Path own = Files.createDirectory(directory.resolve("own"));
        String[] command = {"tune", GPT_OSS, "--misses", "auto"};
        requireUsage(
                CommandLineRun.inProcess(own, command),
                "--misses is for what a GPU lacks, but no machine is known that has one: give --device");
        MachineProfile cpu = MachineProfile.ofHost("a machine", 10e9, 1e9, 4e9, 0);
        Path file = write("cpu.json", Json.write(cpu.fields()));
        requireUsage(
                CommandLineRun.inProcess(own, withOptions(command, "--device", file.toString())),
                "--misses is for what a GPU lacks, but a machine has none");
        Path gpu = write(
                "gpu.json",
                "{\"name\": \"a GPU\", \"device_bytes_per_second\": 3e11, \"link_bytes_per_second\": 2e10}");
        requireUsage(
                CommandLineRun.inProcess(own, withOptions(command, "--device", gpu.toString())),
                "--misses: the profile a GPU does not know how fast the processor reads main memory"
                        + " (host_bytes_per_second)");
    }

    @Test
    void contradictionsAreFoundBeforeADownload() throws IOException {
        try (HubDouble hub = HubDouble.start()) {
            hub.put("org/tiny", Path.of(TINY));
            Map<String, String> variables = Map.of(
                    "MOETIER_CACHE",
                    directory.resolve("own").toString(),
                    "HF_ENDPOINT",
                    hub.endpoint().toString());
            String[] command = {"tune", GPT_OSS, "--model", "hf:org/tiny"};
            for (String options :
                    List.of("--misses copy", "--expert-bytes 1M", "-n 5", "--prompts none", "--prompts none -n 0")) {
                CommandLineRun run = CommandLineRun.inProcess(
                        variables, directory.resolve("home"), withOptions(command, options.split(" ", -1)));
                assertEquals(Failure.USAGE, run.exitCode(), run.err());
                assertEquals(List.of(), hub.requests(), options);
            }
        }
    }

    private static void requireUsage(CommandLineRun run, String expected) {
        assertEquals(Failure.USAGE, run.exitCode());
        assertEquals("moetier: " + expected + "\n", run.err());
    }

    @Test
    void theWinnerRunsLive() {
        Path prompts = write("prompts", "Once upon a time\n\nThe little dog\n");
        Path policy = directory.resolve("policy.json");
        String out = ok(
                "tune",
                TINY,
                "--prompts",
                prompts.toString(),
                "-n",
                "12",
                "--budgets",
                "50%",
                "--save",
                policy.toString());
        assertTrue(out.contains("Recommended: "), out);
        assertEquals(64 * (192 << 10), Json.readObject(policy).requireLong("ram_bytes"));
        CommandLineRun run = CommandLineRun.inProcess(
                cache, "run", TINY, "Once", "-n", "4", "--json", "--policy-file", policy.toString());
        assertEquals(0, run.exitCode(), run.err());
        CommandLineRun stats = CommandLineRun.inProcess(
                cache, "run", TINY, "Once", "-n", "4", "--stats", "--policy-file", policy.toString());
        assertTrue(stats.err().contains(" of 64 slots"), stats.err());
    }

    @Test
    void theMachineThatDoctorMeasuredIsTheDefault() throws IOException {
        Path own = Files.createDirectory(directory.resolve("own"));
        String[] command = {"tune", GPT_OSS, "--expert-bytes", "1K", "--policies", "lru", "--budgets", "25%"};
        CommandLineRun before = CommandLineRun.inProcess(own, command);
        assertTrue(
                before.out()
                        .contains("No speeds: this machine was not measured; run moetier doctor, or give --device.\n"),
                before.out());
        LoadCosts loads = new LoadCosts(0, 0, 0, 1e-9, 0, LoadingAhead.UNKNOWN);
        DecodeCosts costs = new DecodeCosts(
                Map.of(DType.BF16, ByWorkingSet.of(Map.of(1L, 10e9))), NOTHING, NOTHING, NOTHING, 0, loads, loads);
        MachineProfile profile =
                MachineProfile.ofHost("a machine", 10e9, 1e9, 4e9, 0).withDecodeCosts(costs);
        Files.writeString(MachineFile.in(own), Json.write(profile.fields()));
        CommandLineRun after = CommandLineRun.inProcess(own, command);
        assertTrue(
                after.out().contains("Speeds are upper bounds for a machine with its files in memory.\n"), after.out());
        CommandLineRun onDisk = CommandLineRun.inProcess(own, withOptions(command, "--io", "direct"));
        assertTrue(onDisk.out().contains("Speeds are upper bounds for a machine.\n"), onDisk.out());
    }

    /// What bench records, tune finds: the same hits, and with the model a speed that is no mere bound.
    @Test
    void roundsOfBenchAreReplayed() throws IOException {
        Path own = Files.createDirectory(directory.resolve("own"));
        LoadCosts loads = new LoadCosts(0, 0, 0, 1e-9, 0, LoadingAhead.UNKNOWN);
        DecodeCosts costs = new DecodeCosts(Map.of(), NOTHING, NOTHING, NOTHING, 0, loads, loads);
        MachineProfile profile =
                MachineProfile.ofHost("a machine", 1e17, 1e9, 4e9, 1e-3).withDecodeCosts(costs);
        Files.writeString(MachineFile.in(own), Json.write(profile.fields()));
        Path trace = directory.resolve("rounds.gz");
        CommandLineRun bench = CommandLineRun.inProcess(
                cache,
                "bench",
                TINY,
                "-p",
                "0",
                "-n",
                "8",
                "-r",
                "2",
                "--ram",
                "12M",
                "--policy",
                "lru",
                "--prefetch",
                "off",
                "--trace",
                trace.toString(),
                "--json");
        assertEquals(0, bench.exitCode(), bench.err());
        JsonObject generation = Json.parseObject(bench.out().getBytes(StandardCharsets.UTF_8), Path.of("output"))
                .requireObject("generation");
        Path json = directory.resolve("tune.json");
        CommandLineRun tune = CommandLineRun.inProcess(
                own,
                "tune",
                trace.toString(),
                "--model",
                TINY,
                "--policies",
                "lru",
                "--budgets",
                "12M",
                "--warm-up",
                "24",
                "--json",
                json.toString());
        assertEquals(0, tune.exitCode(), tune.err());
        assertTrue(tune.out().contains("72 tokens, of which 24 to warm up, "), tune.out());
        assertTrue(
                tune.out().contains("Speeds are those of generation on a machine with its files in memory.\n"),
                tune.out());
        JsonObject row = Json.readObject(json).requireObjects("rows").getFirst();
        assertEquals(generation.requireDouble("hit_rate"), row.requireDouble("hitRate"), 1e-9);
        double perToken = 1 / row.requireDouble("predictedTokensPerSecond");
        assertTrue(perToken > 8e-3 && perToken < 8e-3 + 16 * 196_608e-9, () -> "8 layers and loads: " + perToken);
    }

    /// Caches hold the weights that a quarter of the experts makes, and not those of all.
    @Test
    void aGreaterBudgetThatIsSlowerBuysNothing() throws IOException {
        Path own = Files.createDirectory(directory.resolve("own"));
        LoadCosts none = new LoadCosts(0, 0, 0, 0, 0, LoadingAhead.UNKNOWN);
        ByWorkingSet layers = ByWorkingSet.of(Map.of(12_000_000L, 0.0, 30_000_000L, 1e-3));
        ByWorkingSet rate = ByWorkingSet.of(Map.of(1L, 10e9));
        DecodeCosts costs =
                new DecodeCosts(Map.of(DType.BF16, rate, DType.F32, rate), layers, NOTHING, NOTHING, 0, none, none);
        MachineProfile profile =
                MachineProfile.ofHost("a machine", 10e9, 1e9, 4e9, 0).withDecodeCosts(costs);
        Files.writeString(MachineFile.in(own), Json.write(profile.fields()));
        Path trace = directory.resolve("few.gz");
        ok("trace", "record", TINY, "--ids", "1,5,9", "-n", "4", "--temp", "0", "-o", "" + trace);
        CommandLineRun tune = CommandLineRun.inProcess(
                own, "tune", "" + trace, "--model", TINY, "--policies", "lru", "--budgets", "25%,100%");
        assertTrue(
                tune.out().endsWith("Recommended: lru at 25% (32 slots, 6.00 MiB); 100% buys nothing.\n"), tune.out());
    }

    private static String[] withOptions(String[] command, String... options) {
        return Stream.concat(Stream.of(command), Stream.of(options)).toArray(String[]::new);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --policies lru,mru              | --policies: unknown policy 'mru': expected one of
            --policies static               | --policies static needs --census FILE, a trace of other requests than those compared
            --policies lru --after x.gz     | --after is for the policy gate, which is not among --policies
            --policies lru --census x.gz    | --census is for the policy static, which is not among --policies
            --budgets 0.5%                  | --budgets: 0.5% of 768 experts is 3 slots, but the top-4 experts of one layer, which are needed at the same time, take 4 slots
            --budgets 1M --expert-bytes 1M  | --budgets: 1M is 1.00 MiB, but the top-4 experts of one layer, which are needed at the same time, take 4.00 MiB
            --budgets 4G                    | --budgets 4G: a trace does not tell the size of an expert; give --model MODEL or --expert-bytes SIZE
            --budgets 0%                    | --budgets: expected a share above 0% and up to 100% of all experts, found '0%'
            --budgets 120%                  | --budgets: expected a share above 0% and up to 100% of all experts, found '120%'
            --budgets much                  | --budgets: expected a share such as 25%, or a size such as 4G, found 'much'
            --device rtx1                   | --device: there is no file rtx1, and the known devices are rtx3060, rtx3090, rtx4060ti, rtx4090, rtx5090, h100
            --warm-up -1                    | --warm-up must be 0 or more, not -1
            --warm-up 1461                  | --warm-up 1461 leaves nothing of the 1461 tokens of
            --batch 0                       | --batch must be 1 or more, not 0
            --policies belady --save p.json | --save: only belady is compared, which knows the future and cannot be run
            --batch 2 --admission sequential | --batch is of --admission layer: sequential takes one expert of one token after another
            --device rtx3060 --io direct    | --io: the profile rtx3060 knows one way only in which missing experts come, not how fast the page cache is (cached_bytes_per_second)
            --device rtx3060 --misses cpu --admission sequential | --misses cpu and auto are of --admission layer: sequential brings in what is missing, one expert after another
            -n 5 | --predict needs --prompts: traces are as long as they are
            """)
    void whatCannotBeIsSaid(String options, String expected) {
        String[] arguments = ("tune " + GPT_OSS + " " + options).split(" ");
        CommandLineRun run = CommandLineRun.inProcess(cache, arguments);
        assertEquals(Failure.USAGE, run.exitCode(), run.err());
        assertTrue(run.err().startsWith("moetier: " + expected), run.err());
        assertEquals(1, run.err().lines().count());
    }

    @Test
    void whatLeavesNothingToCountIsSaid() throws IOException {
        String trace = directory.resolve("t.jsonl.gz").toString();
        assertRefused(
                trace, HEADER.replace("\"tokens\":1", "\"tokens\":0"), trace + ": tokens: expected 1 or more, found 0");
        assertRefused(
                trace,
                HEADER.replace("}", ",\"fewer_experts\":true}") + TOKEN.replace("[[3,1],[0,2]]", "[[],[]]"),
                trace + ": e: expected experts in at least one line that counts, found none");
        Path step = directory.resolve("step.gz");
        zip(step, HEADER.replace("\"tokens\":1", "\"tokens\":2") + ofStep(0, 0) + ofStep(1, 0));
        CommandLineRun run = CommandLineRun.inProcess(cache, "tune", "" + step, "--budgets", "50%", "--warm-up", "1");
        assertEquals(
                "moetier: --warm-up 1 leaves no whole step of the 2 tokens of " + step
                        + ", which are computed together\n",
                run.err());
        assertEquals(Failure.USAGE, run.exitCode());
        assertEquals("", run.out());
    }

    @Test
    void noFileIsWrittenOverAnotherOfTheSameCommand() throws IOException {
        Path trace = directory.resolve("t.gz");
        zip(trace, HEADER.replace("\"tokens\":1", "\"tokens\":2") + ofStep(0, 0) + ofStep(1, 1));
        byte[] before = Files.readAllBytes(trace);
        String reread = directory + "/./t.gz";
        String page = directory.resolve("page.html").toString();
        String[][] outputs = {{"--json", reread}, {"--save", reread}, {"--report", page, "--json", page}};
        for (String[] options : outputs) {
            CommandLineRun run =
                    CommandLineRun.inProcess(cache, withOptions(new String[] {"tune", "" + trace}, options));
            assertEquals(Failure.USAGE, run.exitCode(), run.err());
            assertEquals(
                    "moetier: " + options[options.length - 2] + ": expected a file of its own, found "
                            + options[options.length - 1] + ", which is read or written, too\n",
                    run.err());
        }
        assertArrayEquals(before, Files.readAllBytes(trace));
        assertFalse(Files.exists(Path.of(page)));
    }

    /// A step that the warm-up ends in is not counted, and what goes together is what the trace says.
    @Test
    void whatWasCountedAndTakenTogetherIsSaid() throws IOException {
        String header = HEADER.replace("\"tokens\":1", "\"tokens\":3");
        Path trace = directory.resolve("t.gz");
        zip(trace, header + ofStep(0, 0) + ofStep(1, 0) + ofStep(2, 1));
        Path json = directory.resolve("tune.json");
        String out = ok("tune", "" + trace, "--budgets", "50%", "--warm-up", "1", "--batch", "4", "--json", "" + json);
        assertTrue(out.contains("\n3 tokens, of which 2 to warm up, 2 layers of 4 experts, top 2;"), out);
        assertTrue(out.contains("; admission layer, 4 tokens at a time where the trace does not tell\n"), out);
        assertEquals(2, Json.readObject(json).requireInt("warm_up"));
        assertEquals(4, Json.readObject(json).requireInt("batch"));
    }

    @Test
    void oneOfSomethingIsTold() throws IOException {
        Path trace = directory.resolve("t.gz");
        zip(
                trace,
                HEADER.replace("\"layers\":2,\"experts\":4,\"top_k\":2", "\"layers\":1,\"experts\":1,\"top_k\":1")
                                .replace("[0,1]", "[0]")
                        + TOKEN.replace("[[3,1],[0,2]]", "[[0]]"));
        String out = ok("tune", "" + trace, "--budgets", "100%", "--policies", "lru");
        assertTrue(out.contains("\n1 token, 1 layer of 1 expert, top 1; admission layer\n"), out);
        assertTrue(out.contains("\nRecommended: lru at 100% (1 slot)."), out);
        assertTrue(ok("trace", "show", "" + trace).contains(" 1 of 1 in the one layer\n"));
    }

    private static String ofStep(int token, int step) {
        return TOKEN.replace("\"t\":0", "\"t\":" + token + ",\"s\":" + step);
    }

    @Test
    void aTraceOfAnotherModelIsRefused() {
        assertRefused(
                GPT_OSS + ": a trace of 24 layers of 32 experts, top 4, but " + TINY
                        + " has 8 layers of 16 experts, top 2",
                "tune",
                GPT_OSS,
                "--model",
                TINY);
    }

    @Test
    void damagedTracesAreRefused() throws IOException {
        String trace = directory.resolve("t.jsonl.gz").toString();
        String line = trace + " line 2: ";
        assertRefused(
                trace, HEADER + TOKEN.replace("[3,1]", "[3]"), line + "e[0]: expected a list of 2, found one of 1");
        assertRefused(
                trace,
                HEADER + TOKEN.replace("[3,1]", "[4,1]"),
                line + "e[0]: expected distinct experts from 0 to 3, found [4, 1]");
        assertRefused(trace, TOKEN, trace + " line 1: format: expected moe-trace/1, found nothing");
        assertRefused(
                trace,
                HEADER.replace("trace/1", "trace/9") + TOKEN,
                trace + " line 1: format: expected moe-trace/1, found moe-trace/9");
        assertRefused(trace, "", trace + ": empty, expected a trace of format moe-trace/1");
        assertRefused(trace, HEADER, trace + ": tokens: expected 1 as the header says, found 0");
        byte[] whole = Files.readAllBytes(Path.of(GPT_OSS));
        Files.write(Path.of(trace), Arrays.copyOf(whole, whole.length / 2));
        CommandLineRun cut = CommandLineRun.inProcess(cache, "tune", trace);
        assertEquals(Failure.FAILED, cut.exitCode());
        assertTrue(cut.err().matches("moetier: .* line \\d+: the gzip data is damaged or cut off\n"), cut.err());
        assertFalse(cut.out().contains("Recommended"));
    }

    @Test
    void aPolicyFileIsChecked() {
        Path file = write("p.json", "{\"format\":\"moetier-policy/1\",\"policy\":\"mru\"}");
        CommandLineRun run = CommandLineRun.inProcess(cache, "run", TINY, "Once", "--policy-file", file.toString());
        assertTrue(run.err().startsWith("moetier: " + file + ": policy must be one of lru, "), run.err());
        CommandLineRun two = CommandLineRun.inProcess(
                cache, "run", TINY, "Once", "--policy", "lfu", "--policy-file", file.toString());
        assertEquals("moetier: --policy and --policy-file: expected one of them\n", two.err());
        assertNotEquals(0, two.exitCode());
    }

    private void assertRefused(String trace, String lines, String sentence) throws IOException {
        zip(Path.of(trace), lines);
        assertRefused(sentence, "tune", trace, "--budgets", "50%");
    }

    private static void assertRefused(String sentence, String... arguments) {
        CommandLineRun run = CommandLineRun.inProcess(cache, arguments);
        assertEquals("moetier: " + sentence + "\n", run.err());
        assertEquals(Failure.FAILED, run.exitCode());
    }

    private static String ok(String... arguments) {
        CommandLineRun run = CommandLineRun.inProcess(cache, arguments);
        assertEquals(0, run.exitCode(), run.err());
        return run.out();
    }

    private static void zip(Path trace, String lines) throws IOException {
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(trace))) {
            out.write(lines.getBytes(StandardCharsets.UTF_8));
        }
    }

    private Path write(String name, String text) {
        try {
            return Files.writeString(directory.resolve(name), text);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
