package io.moetier.cli.trace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.terminal.Failure;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TraceTest {
    private static final String TRACE = TestData.trace("gpt-oss-20b_misc_small").toString();

    @TempDir
    Path directory = Path.of("");

    @Test
    void showPrintsTheWholeTheReuseAndTheLayers() {
        String[] parts = ok("trace", "show", TRACE).split("\n\n", -1);
        assertEquals(3, parts.length);
        assertTrue(parts[0].contains("0 of prompts, 1461 generated"), parts[0]);
        assertTrue(parts[1].startsWith("chosen again within  tokens"), parts[1]);
        assertEquals(25, parts[2].lines().count());
    }

    @Test
    void showPrintsJson() {
        JsonObject found = parse(ok("trace", "show", TRACE, "--json"));
        assertEquals(24, found.requireInt("layers"));
        assertEquals(24, found.requireObjects("by_layer").size());
        JsonObject overall = found.requireObject("overall");
        assertEquals("weights", overall.requireString("load_balancing_loss_from"));
        double mean = found.requireObjects("by_layer").stream()
                .mapToDouble(layer -> layer.requireDouble("entropy"))
                .average()
                .orElseThrow();
        assertEquals(mean, overall.requireDouble("entropy"), 1e-9);
        JsonObject all = found.requireObject("reuse")
                .requireObjects("experts_of_the_model")
                .getLast();
        assertEquals(1024, all.requireInt("within"));
        assertTrue(all.requireDouble("share") > 0.9);
    }

    @Test
    void convertSaysWhatItFound() {
        Path in = TestData.root().resolve("traces/foreign/small.route.csv");
        Path out = directory.resolve("t.jsonl.gz");
        CommandLineRun run = CommandLineRun.inProcess(directory, "trace", "convert", in.toString(), out.toString());
        assertEquals(out + ": 6 tokens, from route_trace\n", run.err());
        JsonObject shown = parse(ok("trace", "show", out.toString(), "--json"));
        assertEquals(4, shown.requireInt("prefill_tokens"));
        assertEquals("small moe-Q4_K_M.gguf", shown.requireString("model"));
    }

    @Test
    void convertTakesWhatIsSaid() {
        Path in = TestData.root().resolve("traces/foreign/routed_experts.npy");
        Path out = directory.resolve("t.jsonl.gz");
        ok(
                "trace",
                "convert",
                in.toString(),
                out.toString(),
                "--from",
                "vllm",
                "--model",
                "mine",
                "--experts",
                "8",
                "--prompt-tokens",
                "3");
        JsonObject shown = parse(ok("trace", "show", out.toString(), "--json"));
        assertEquals("mine", shown.requireString("model"));
        assertEquals(8, shown.requireInt("experts"));
        assertEquals(3, shown.requireInt("prefill_tokens"));
        assertEquals(1, shown.requireInt("decode_tokens"));
    }

    @Test
    void convertRefusesWhatCannotBe() throws IOException {
        Path in = Files.writeString(directory.resolve("in.csv"), "0,0,1\n");
        String out = directory.resolve("t.jsonl.gz").toString();
        fails(
                Failure.USAGE,
                "--from must be one of route_trace, llama-moe-trace, vllm, not csv",
                in,
                out,
                "--from",
                "csv");
        fails(Failure.USAGE, "--experts: expected 1 to 65536, found 0", in, out, "--experts", "0");
        fails(Failure.USAGE, "--prompt-tokens: expected 0 or more, found -1", in, out, "--prompt-tokens", "-1");
        fails(
                Failure.USAGE,
                "--prompt-tokens is for vllm: llama-moe-trace says which tokens are of a prompt",
                in,
                out,
                "--prompt-tokens",
                "2");
        fails(Failure.USAGE, "OUT: expected another file than IN, found " + in, in, in.toString());
        fails(
                Failure.FAILED,
                in + " line 1: ids: expected distinct experts from 0 to 0, found 1",
                in,
                out,
                "--experts",
                "1");
        fails(
                Failure.FAILED,
                in + " line 1: version: expected '# route_trace v1', found '0,0,1'",
                in,
                out,
                "--from",
                "route_trace");
        Path none = directory.resolve("none");
        fails(Failure.FAILED, none + ": no such file", none, out);
        fails(Failure.FAILED, none + ": no such file", none, out, "--from", "llama-moe-trace");
        assertEquals("0,0,1\n", Files.readString(in));
    }

    /// The sentences that whoever reads a damaged trace is told, here by `show`.
    @Nested
    class DamagedTraces {
        private static final String HEADER = """
                {"format":"moe-trace/1","model":"m","layers":1,"experts":4,"top_k":2,"moe_layer_indices":[0],"tokens":1,"requests":1}
                """;
        private static final String TOKEN = """
                {"r":0,"t":0,"p":"decode","e":[[3,1]]}
                """;

        @Test
        void wrongK() throws IOException {
            showFails(" line 2: e[0]: expected a list of 2, found one of 3", HEADER + TOKEN.replace("3,1", "3,1,2"));
        }

        @Test
        void anExpertOutOfRange() throws IOException {
            showFails(
                    " line 2: e[0]: expected distinct experts from 0 to 3, found [4, 1]",
                    HEADER + TOKEN.replace("3,1", "4,1"));
        }

        @Test
        void anExpertTwice() throws IOException {
            showFails(
                    " line 2: e[0]: expected distinct experts from 0 to 3, found [1, 1]",
                    HEADER + TOKEN.replace("3,1", "1,1"));
        }

        @Test
        void aLayerTooMany() throws IOException {
            showFails(
                    " line 2: e: expected a list of 1, found one of 2", HEADER + TOKEN.replace("[3,1]", "[3,1],[3,1]"));
        }

        @Test
        void noHeader() throws IOException {
            showFails(" line 1: format: expected moe-trace/1, found nothing", TOKEN);
        }

        @Test
        void anotherVersion() throws IOException {
            showFails(
                    " line 1: format: expected moe-trace/1, found moe-trace/2",
                    HEADER.replace("moe-trace/1", "moe-trace/2") + TOKEN);
        }

        @Test
        void nothing() throws IOException {
            showFails(": empty, expected a trace of format moe-trace/1", "");
        }

        @Test
        void fewerTokensThanTheHeaderSays() throws IOException {
            showFails(": tokens: expected 1 as the header says, found 0", HEADER);
        }

        @Test
        void aHeaderOfTooManyExperts() throws IOException {
            showFails(
                    " line 1: experts: expected a number from 1 to 65536, found 70000",
                    HEADER.replace("\"experts\":4", "\"experts\":70000") + TOKEN);
        }

        @Test
        void gzipThatIsCutOff() throws IOException {
            byte[] whole = Files.readAllBytes(Path.of(TRACE));
            Path file = Files.write(directory.resolve("t.jsonl.gz"), Arrays.copyOf(whole, whole.length / 2));
            CommandLineRun run = CommandLineRun.inProcess(directory, "trace", "show", file.toString());
            assertEquals(Failure.FAILED, run.exitCode());
            String line = run.err().strip().replaceFirst(" line \\d+", " line N");
            assertEquals("moetier: " + file + " line N: the gzip data is damaged or cut off", line);
        }

        @Test
        void noGzip() throws IOException {
            Path file = Files.writeString(directory.resolve("t.jsonl.gz"), HEADER + TOKEN);
            CommandLineRun run = CommandLineRun.inProcess(directory, "trace", "show", file.toString());
            assertEquals("moetier: " + file + ": not a gzip file", run.err().strip());
        }

        private void showFails(String expected, String text) throws IOException {
            Path file = directory.resolve("t.jsonl.gz");
            try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
                out.write(text.getBytes(StandardCharsets.UTF_8));
            }
            CommandLineRun run = CommandLineRun.inProcess(directory, "trace", "show", file.toString());
            assertEquals("moetier: " + file + expected, run.err().strip());
            assertEquals(Failure.FAILED, run.exitCode());
        }
    }

    private void fails(int exitCode, String sentence, Path in, String... more) {
        String[] args = Stream.concat(Stream.of("trace", "convert", in.toString()), Stream.of(more))
                .toArray(String[]::new);
        CommandLineRun run = CommandLineRun.inProcess(directory, args);
        assertEquals("moetier: " + sentence, run.err().strip());
        assertEquals(exitCode, run.exitCode());
    }

    private String ok(String... args) {
        CommandLineRun run = CommandLineRun.inProcess(directory, args);
        assertEquals(Failure.OK, run.exitCode(), run.err());
        return run.out();
    }

    private static JsonObject parse(String json) {
        return Json.parseObject(json.getBytes(StandardCharsets.UTF_8), Path.of("output"));
    }
}
