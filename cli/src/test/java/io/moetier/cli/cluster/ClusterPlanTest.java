package io.moetier.cli.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.doctor.MachineFile;
import io.moetier.cli.terminal.Failure;
import io.moetier.runtime.trace.TraceHeader;
import io.moetier.runtime.trace.TraceRecorder;
import io.moetier.runtime.trace.TraceToken;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.Phase;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ClusterPlanTest {
    private static final String TINY = TestData.tinyMixtral().toString();
    private static final String KIND = "ram=64M,memory=1M,disk=100K";
    private static final String GOLDEN = """
            {"format":"moetier-cluster-plan/1","model":"TRACE","layers":1,"experts":2,"experts_per_token":1,\
            "expert_bytes":2048,"dense_bytes":512,"row_elements":128,\
            "basis":["Tokens choose as in the trace TRACE, whose first quarter tells who owns what and fills caches.",\
            "In brackets is where nine of ten measurements should be, as of machines that were not measured; with no\
             measured cluster was this compared."],\
            "driver":{"name":"driver","ram_bytes":0,"memory_bytes_per_second":1024.0,"disk_bytes_per_second":128.0,\
            "link_bits_per_second":8000.0},\
            """;

    @TempDir
    Path cache = Path.of("");

    /// A token: 0.5 s here and an expert that is read for 8 s; over nodes 0.5 s, 0.25 s there and back, 1024 bytes
    /// through 1000 bytes/s, and 1 s.
    @Test
    void whatIsPrintedForProgramsIsWhatWasComputedByHand() throws IOException {
        Path trace = turns();
        String out = ok(
                "cluster",
                "plan",
                trace.toString(),
                "--expert-bytes",
                "1K",
                "--dense-bytes",
                "512",
                "--hidden",
                "128",
                "--nodes",
                "2",
                "--driver",
                "ram=0,memory=1K,disk=128",
                "--node",
                "ram=1K,memory=1K,disk=128,rtt=250ms,link=8K",
                "--json");
        JsonObject plan = json(out);
        String compact = Json.write(plan.asMap()).replace(trace.toString(), "TRACE");
        assertTrue(compact.startsWith(GOLDEN.strip()), compact);
        assertEquals(8.5, plan.requireObject("here").requireDouble("seconds_per_token"), 1e-9);
        JsonObject row = plan.requireObjects("rows").getFirst();
        assertEquals(0.5 + 0.25 + 1.024 + 1, row.requireDouble("seconds_per_token"), 1e-9);
        assertEquals(8 - 1.024 - 1, row.requireDouble("break_even_round_trip_seconds"), 1e-9);
        assertEquals(0.5 / 2.774, row.requireObject("shares").requireDouble("driver"), 1e-9);
        assertEquals(1.274 / 2.774, row.requireObject("shares").requireDouble("links"), 1e-9);
        assertEquals(
                "a token takes 2,774 ms over 2 nodes and 8,500 ms here, whose disk gives 128 B/s; above a round trip of"
                        + " 5,976 ms nodes would not pay",
                row.requireString("sentence"));
        assertEquals(3, row.requireObjects("machines").size());
        assertEquals(
                List.of(
                        "nodes",
                        "pays_off",
                        "break_even_round_trip_seconds",
                        "sentence",
                        "seconds_per_token",
                        "tokens_per_second",
                        "shares",
                        "balance",
                        "machines"),
                List.copyOf(row.asMap().keySet()));
    }

    @Test
    void aRealTraceIsPlannedUntilMoreNodesStopHelping() {
        String text = ok(
                "cluster",
                "plan",
                TestData.trace("gpt-oss-20b_misc_small").toString(),
                "--expert-bytes",
                "13.2M",
                "--dense-bytes",
                "1.2G",
                "--hidden",
                "2880",
                "--nodes",
                "1,2,4",
                "--driver",
                "ram=4G,memory=20G,disk=1.2G",
                "--node",
                "ram=12G,memory=20G,disk=1.2G,rtt=1ms,link=1G");
        assertTrue(text.startsWith("openai/gpt-oss-20b, 24 layers of 32 experts, top 4, "), text);
        assertTrue(text.contains("\nExperts on nodes: a token takes "), text);
        assertTrue(text.contains(" will do: twice as many would be "), text);
        assertTrue(text.contains("\nBalance over "), text);
        assertTrue(text.lines().anyMatch(line -> line.startsWith("4 ") && line.contains(" ms ")), text);
    }

    @ParameterizedTest
    @ValueSource(strings = {"mixtral", "deepseek_v3", "gpt_oss", "qwen3_next"})
    void modelsArePlannedByTheirHeaders(String family) {
        String model = TestData.golden(family).toString();
        JsonObject plan = json(ok(
                "cluster",
                "plan",
                model,
                "--nodes",
                "1,2",
                "--driver",
                KIND,
                "--node",
                KIND + ",rtt=1us,link=100G",
                "--json"));
        assertEquals(ClusterPlanReport.FORMAT, plan.requireString("format"));
        for (JsonObject row : plan.requireObjects("rows")) {
            double shares = row.requireObject("shares").asMap().values().stream()
                    .mapToDouble(share -> ((Number) share).doubleValue())
                    .sum();
            assertEquals(1, shares, 1e-9);
            assertTrue(row.optionalBoolean("pays_off").orElseThrow(), row::toString);
        }
    }

    @Test
    void aPageHasTheBalanceOfEachLayer() throws IOException {
        Path page = cache.resolve("cluster.html");
        ok(
                "cluster",
                "plan",
                TINY,
                "--driver",
                KIND,
                "--node",
                KIND,
                "--node",
                KIND + ",rtt=2ms",
                "--nodes",
                "2",
                "--report",
                page.toString());
        String html = Files.readString(page);
        assertTrue(html.contains("<h2>Balance of each layer</h2>") && html.contains("2.0 ms there and back"), html);
    }

    /// The first layer of this model has no experts.
    @Test
    void layersHaveTheModelsOwnNumbers() throws IOException {
        Path page = cache.resolve("cluster.html");
        String model = TestData.golden("deepseek_v3").toString();
        String text = ok(
                "cluster",
                "plan",
                model,
                "--driver",
                KIND,
                "--node",
                KIND,
                "--nodes",
                "1",
                "--report",
                page.toString());
        assertTrue(text.contains(" in layer 1 ") && !text.contains(" in layer 0 "), text);
        String balance = Files.readString(page).split("<h2>Balance of each layer</h2>", 2)[1];
        assertTrue(balance.contains(">1 node<"), balance);
        assertFalse(balance.contains(">0<"), balance);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--node speed=3 | --node: expected parts of ram=24G,memory=40G,disk=1.2G,rtt=200us,link=1G, each once,"
                        + " found 'speed=3'",
                "--node ram=1G,ram=2G | each once, found 'ram=2G'",
                "--node ram=much | --node: ram: expected a size such as 8M, 1.5G, 4GiB or a number of bytes, found"
                        + " 'much'",
                "--node memory=0 | --node: memory: expected more than 0, found '0'",
                "--node rtt=fast | --node: rtt: expected a time such as 200us or 1.5ms, found 'fast'",
                "--node rtt=1.2.3ms | --node: rtt: expected a number, found '1.2.3'",
                "--driver link=1 | --driver: link: expected bits a second such as 100M, 1G or 2.5G, found '1'",
                "--driver rtt=1ms | --driver: rtt is of nodes, whose way to the driver it is: say it in --node",
                "--node ram=100K | --node: ram: expected at least 192 KiB, without which a node is left out, found 100 KiB",
                "--node ram=1G | --driver: nobody knows how fast this machine is",
                "--nodes 4,2 | --nodes: expected rising numbers from 1 to 1000, found 2",
                "--nodes 0 | --nodes: expected rising numbers from 1 to 1000, found 0",
                "--nodes two | expected a whole number, found 'two'",
                "--hidden 3 | --expert-bytes, --dense-bytes and --hidden are of a trace; a model tells them itself",
            })
    void whatCannotBeIsOneSentence(String options, String sentence) {
        String[] command = Stream.concat(Stream.of("cluster", "plan", TINY), Stream.of(options.split(" ")))
                .toArray(String[]::new);
        CommandLineRun run = CommandLineRun.inProcess(cache, command);
        assertEquals(Failure.USAGE, run.exitCode(), run.err());
        assertTrue(run.err().contains(sentence) && run.err().lines().count() == 1, run.err());
    }

    @Test
    void aTraceTellsNotHowLargeItsModelIs() {
        String trace = TestData.trace("gpt-oss-20b_misc_small").toString();
        CommandLineRun run = CommandLineRun.inProcess(cache, "cluster", "plan", trace);
        assertEquals(Failure.USAGE, run.exitCode());
        assertTrue(run.err().contains("give --expert-bytes and --hidden, or the model with --trace"), run.err());
        run = CommandLineRun.inProcess(
                cache, "cluster", "plan", TINY, "--trace", trace, "--driver", KIND, "--node", KIND);
        assertEquals(Failure.USAGE, run.exitCode());
        assertTrue(run.err().contains("choices in 24 layers of 32 experts, top 4, but the model has "), run.err());
    }

    /// What nobody needs is neither read nor measured, and what was named is looked at first.
    @Test
    void aMachineIsReadWhereItCountsAndATraceBeforeTheModel() throws IOException {
        Path own = Files.createDirectories(cache.resolve("own"));
        Files.writeString(MachineFile.in(own), "nothing that was measured");
        String[] plan = {"cluster", "plan", TINY, "--nodes", "1", "--node", KIND, "--driver"};
        assertEquals(
                Failure.OK, CommandLineRun.inProcess(own, words(plan, KIND)).exitCode());
        assertEquals(
                Failure.FAILED,
                CommandLineRun.inProcess(own, words(plan, "ram=64M")).exitCode());
        CommandLineRun run = CommandLineRun.inProcess(own, "cluster", "plan", "no-model", "--trace", "absent.jsonl.gz");
        assertEquals("moetier: absent.jsonl.gz: no such file\n", run.err());
    }

    /// Of one number of nodes nobody knows what twice as many would do, and of nodes that do not pay it does not
    /// matter.
    @Test
    void whatMoreNodesWouldDoIsSaidWhereItIsKnown() {
        String[] plan = {"cluster", "plan", TINY, "--driver", KIND, "--nodes"};
        String near = "--node=" + KIND + ",rtt=1us,link=100G";
        String one = ok(words(plan, "2", near));
        assertTrue(one.contains("\nWhether more help is told where --nodes has a number and twice as many.\n"), one);
        String far = ok(words(plan, "2,4", "--node=" + KIND + ",rtt=100s"));
        assertTrue(far.contains("\nEverything here: ") && !far.contains(" will do"), far);
    }

    private static String[] words(String[] first, String... then) {
        return Stream.of(first, then).flatMap(Arrays::stream).toArray(String[]::new);
    }

    private Path turns() {
        Path file = cache.resolve("turns.jsonl.gz");
        try (TraceRecorder recorder = new TraceRecorder(file, TraceHeader.of("turns", 2, 1, List.of(0), ""))) {
            for (int i = 0; i < 40; i++) {
                recorder.record(new TraceToken(
                        0,
                        i,
                        OptionalInt.of(i),
                        Phase.DECODE,
                        new int[][] {{i % 2}},
                        Optional.empty(),
                        Optional.empty()));
            }
            recorder.finish();
        }
        return file;
    }

    private static JsonObject json(String out) {
        return Json.parseObject(out.getBytes(StandardCharsets.UTF_8), Path.of("out"));
    }

    private String ok(String... command) {
        CommandLineRun run = CommandLineRun.inProcess(cache, command);
        assertEquals(Failure.OK, run.exitCode(), run.err());
        return run.out();
    }
}
