package io.moetier.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.option.Prompt;
import io.moetier.cli.option.PromptOptions;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.runtime.trace.RoutingTrace;
import io.moetier.storage.format.GgmlType;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.format.SafetensorsFile;
import io.moetier.storage.format.SafetensorsWriter;
import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.model.Phase;
import io.moetier.testdata.TestData;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.RandomAccessFile;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The commands from arguments to output, with the models of `test-data`.
class CommandsTest {
    private static final String TINY = TestData.tinyMixtral().toString();
    private static final String GOLDEN = TestData.golden("mixtral").toString();

    /// One cache for all tests: what is imported on first use is imported once.
    @TempDir
    static Path cache = Path.of("");

    @TempDir
    Path directory = Path.of("");

    private StringWriter out = new StringWriter();
    private StringWriter err = new StringWriter();

    @BeforeEach
    void forgetOutput() {
        out = new StringWriter();
        err = new StringWriter();
    }

    @Test
    void runContinuesAsTheReferenceDoes() {
        JsonObject reference = Json.readObject(TestData.tinyMixtral().resolve("reference.json"))
                .requireObjects("cases")
                .getFirst();
        List<Integer> expected = ints(reference, "greedy_ids");
        ok("run", TINY, reference.requireString("prompt"), "--temp", "0", "-n", "" + expected.size(), "--json");
        JsonObject answer = parse(out.toString());
        assertEquals(expected, ints(answer, "ids"));
        assertEquals("max_tokens", answer.requireString("stop_reason"));
    }

    @Test
    void loadingAheadShowsItsGuessesAndChangesNoToken() {
        ok("run", TINY, "Once upon a time", "--temp", "0", "-n", "24", "--ram", "4M");
        String text = out.toString();
        for (String choice : List.of("on", "auto")) {
            forgetOutput();
            ok(
                    "run",
                    TINY,
                    "Once upon a time",
                    "--temp",
                    "0",
                    "-n",
                    "24",
                    "--ram",
                    "4M",
                    "--prefetch",
                    choice,
                    "--stats");
            assertEquals(text, out.toString());
            for (String guess : List.of(
                    "guessed 1 ahead by earlier choices",
                    "guessed 1 ahead by router",
                    "guessed 3 ahead by router",
                    "loaded ahead")) {
                assertTrue(err.toString().contains(guess), err.toString());
            }
        }
    }

    @Test
    void aBudgetChangesTheFiguresAndNotTheText() {
        ok("run", TINY, "Once upon a time", "--temp", "0", "-n", "12");
        String text = out.toString();
        assertTrue(err.toString().strip().matches("(?s).*\\d+ prompt tokens at .* ended by -n"), err.toString());
        forgetOutput();
        ok("run", TINY, "Once upon a time", "--temp", "0", "-n", "12", "--ram", "8M", "--stats");
        assertEquals(text, out.toString());
        assertTrue(err.toString().contains("42 of 42 slots"), err.toString());
        assertTrue(err.toString().contains("7.88 MiB of 7.88 MiB"), err.toString());
    }

    @Test
    void aStopTextEndsTheAnswerAndIsNotPrinted() {
        ok("run", TINY, "Once upon a time", "--temp", "0", "-n", "12", "--stop", "old", "--json");
        JsonObject answer = parse(out.toString());
        assertEquals("stop_string", answer.requireString("stop_reason"));
        assertFalse(answer.requireString("text").contains("old"));
    }

    @Test
    void thePromptComesFromAFileOrFromStandardInput() throws IOException {
        ok("run", TINY, "Once upon a time", "--temp", "0", "-n", "5");
        String expected = out.toString();
        Path file = Files.writeString(directory.resolve("prompt.txt"), "Once upon a time");
        forgetOutput();
        ok("run", TINY, "-f", file.toString(), "--temp", "0", "-n", "5");
        assertEquals(expected, out.toString());
        forgetOutput();
        assertEquals(Failure.OK, run("Once upon a time\n", "run", TINY, "--temp", "0", "-n", "5"), err.toString());
        assertEquals(expected, out.toString());
    }

    @Test
    void aModelWithoutTokenizerTakesAndPrintsIds() {
        JsonObject reference = Json.readObject(TestData.golden("mixtral").resolve("reference.json"));
        List<Integer> expected = ints(reference, "greedy_ids");
        ok("run", GOLDEN, "--ids", join(ints(reference, "input_ids")), "--temp", "0", "-n", "" + expected.size());
        assertEquals(join(expected).replace(',', ' '), out.toString().strip());
    }

    @Test
    void logitsAreThoseOfTheReference() {
        JsonObject reference = Json.readObject(TestData.golden("mixtral").resolve("reference.json"));
        Path file = directory.resolve("logits.safetensors");
        ok("logits", GOLDEN, "--kv", "f32", "--ids", join(ints(reference, "input_ids")), "--out", file.toString());
        try (SafetensorsFile found = SafetensorsFile.open(file);
                SafetensorsFile expected =
                        SafetensorsFile.open(TestData.golden("mixtral").resolve("logits.safetensors"))) {
            assertEquals(
                    expected.require("logits").shape(), found.require("logits").shape());
            assertArrayEquals(expected.readFloats("logits"), found.readFloats("logits"), 1e-4f);
        }
    }

    @Test
    void logitsOfOneTokenAreOfOnePosition() {
        ok(
                "logits",
                TINY,
                "--ids",
                "5",
                "--out",
                directory.resolve("one.safetensors").toString());
        assertTrue(err.toString().contains(": 1 position of "), err.toString());
    }

    @Test
    void traceRecordsEveryTokenWithItsTiers() {
        Path file = directory.resolve("t.jsonl.gz");
        ok("trace", "record", TINY, "--ids", "1,5,9", "--temp", "0", "-n", "4", "--out", file.toString());
        RoutingTrace trace = RoutingTrace.read(file);
        assertEquals(6, trace.tokens().size()); // the last token is not fed back
        assertEquals(8, trace.header().layers());
        assertTrue(trace.tokens().stream().allMatch(token -> token.tiers().isPresent()));
        ok("run", TINY, "Once", "-n", "2", "--ram", "8M", "--policy", "static", "--census", file.toString());
    }

    @Test
    void traceRecordTakesAPromptAsRunDoes() throws IOException {
        Path text = Files.writeString(directory.resolve("text"), "Once upon");
        Path words = directory.resolve("words.jsonl");
        Path flag = directory.resolve("flag.jsonl");
        ok("trace", "record", TINY, "Once upon", "--temp", "0", "-n", "4", "--out", words.toString());
        ok("trace", "record", TINY, "-f", text.toString(), "--temp", "0", "-n", "4", "--out", flag.toString());
        assertEquals(experts(flag), experts(words));
    }

    @Test
    void traceRecordTellsTheSeedThatDrewTheText() {
        Path first = directory.resolve("first.jsonl");
        ok("trace", "record", TINY, "--ids", "1,5,9", "-n", "12", "--out", first.toString());
        String seed = err.toString().strip().replaceFirst("(?s).*first.jsonl: 14 tokens, drawn with --seed ", "");
        Path again = directory.resolve("again.jsonl");
        ok("trace", "record", TINY, "--ids", "1,5,9", "-n", "12", "--seed", seed, "--out", again.toString());
        assertEquals(experts(first), experts(again));
    }

    private static List<String> experts(Path trace) {
        return RoutingTrace.read(trace).tokens().stream()
                .map(token -> Arrays.deepToString(token.experts()))
                .toList();
    }

    @Test
    void inspectSaysTheSameOfCheckpointAndStore() {
        String store = directory.resolve("tiny.mtier").toString();
        ok("import", TINY, "--out", store);
        forgetOutput();
        ok("inspect", TINY, "--json", "--ram", "8M");
        JsonObject checkpoint = parse(out.toString());
        forgetOutput();
        ok("inspect", store, "--json", "--ram", "8M");
        JsonObject imported = parse(out.toString());
        assertSameSizes(checkpoint, imported);
        assertEquals(42, imported.requireInt("host_experts"));
        assertEquals(86, imported.requireInt("disk_only_experts"));
        forgetOutput();
        ok("inspect", store);
        assertTrue(out.toString().contains("15.24 million"), out.toString());
    }

    /// The layout of q4_k weights is larger than their blocks in the file.
    @Test
    void inspectAndImportSayWhichLayersAreNotUsed() throws IOException {
        Path model = Files.createDirectories(directory.resolve("model"));
        try (Stream<Path> files = Files.list(TestData.golden("mixtral_sharded"))) {
            for (Path file : files.toList()) {
                Files.copy(file, model.resolve(file.getFileName()));
            }
        }
        Path index = model.resolve("model.safetensors.index.json");
        List<String> names = List.of("model.layers.9.mlp.weight", "model.layers.1.more", "mtp.fc.weight");
        JsonObject weightMap = Json.readObject(index).requireObject("weight_map");
        Map<String, Object> all = new TreeMap<>(weightMap.asMap());
        names.forEach(name -> all.put(name, "more.safetensors"));
        Files.writeString(index, Json.write(Map.of("weight_map", all)));
        List<SafetensorsWriter.Entry> entries = names.stream()
                .map(name -> SafetensorsWriter.Entry.of(name, "F32", 1))
                .toList();
        try (SafetensorsWriter writer =
                SafetensorsWriter.create(model.resolve("more.safetensors"), entries, Map.of())) {
            for (String name : names) {
                writer.write(name, new float[1]);
            }
        }
        ok("inspect", model.toString());
        assertTrue(out.toString().contains("2 tensors of layers that guess further tokens (MTP)"), out::toString);
        ok("inspect", model.toString(), "--json");
        ok("import", model.toString(), "-o", directory.resolve("m.mtier").toString());
        assertTrue(err.toString().contains("not used: 2 tensors of layers that guess further tokens (MTP)"));
        forgetOutput();
        ok("inspect", GOLDEN);
        assertFalse(out.toString().contains("not used"), out::toString);
        ok("inspect", TestData.golden("qwen3_5_moe").toString());
        assertTrue(out.toString().contains("vision tower "), out::toString);
        assertFalse(out.toString().contains("not used"), out::toString);
        ok("inspect", TestData.golden("minimax_m3").toString());
        assertTrue(out.toString().contains("27 tensors of encoders of images or sound"), out::toString);
    }

    /// Four experts of 2 · 2500 · 200 parameters and a gate of 4 · 2500, of which a token uses two and the gate.
    @Test
    void inspectSaysWhatAMixtureSavesByItsConfigurationAlone() {
        String config =
                TestData.root().resolve("models/four-experts/config.json").toString();
        ok("inspect", config, "--json");
        JsonObject fields = parse(out.toString());
        assertEquals(4_010_000, fields.requireLong("mixture_parameters"));
        assertEquals(2_010_000, fields.requireLong("mixture_active_parameters"));
        forgetOutput();
        ok("inspect", config);
        String line = "a mixture           4.01 million parameters, 2.01 million active for a token, 50.1 %\n";
        assertTrue(out.toString().contains(line), out.toString());
        assertEquals(Failure.USAGE, run("", "inspect", config, "--ram", "1G"));
        assertTrue(err.toString().contains("--ram: expected a model with weights, found " + config), err.toString());
    }

    @Test
    void inspectSaysTheSameOfAGgufFileAndItsStore() throws IOException {
        Path file = new TinyGguf(256, GgmlType.Q4_K).write(directory.resolve("tiny.gguf"));
        String store = directory.resolve("tiny.mtier").toString();
        ok("import", file.toString(), "--out", store);
        forgetOutput();
        ok("inspect", file.toString(), "--json");
        JsonObject source = parse(out.toString());
        forgetOutput();
        ok("inspect", store, "--json");
        assertSameSizes(source, parse(out.toString()));
        assertEquals(Files.size(Path.of(store, "dense.safetensors")), source.requireLong("dense_bytes"));
    }

    private static void assertSameSizes(JsonObject source, JsonObject store) {
        for (String key :
                List.of("parameters", "active_parameters", "expert_bytes", "dense_bytes", "minimum_ram_bytes")) {
            assertEquals(source.requireLong(key), store.requireLong(key), key);
        }
    }

    @Test
    void verifyNamesWhatIsDamaged() throws IOException {
        Path store = directory.resolve("golden.mtier");
        ok("import", GOLDEN, "--out", store.toString());
        ok("verify", store.toString());
        assertTrue(out.toString().contains("no damage"), out.toString());
        Path dense = store.resolve("dense.safetensors");
        try (RandomAccessFile file = new RandomAccessFile(dense.toFile(), "rw")) {
            file.seek(file.length() - 1);
            int last = file.read();
            file.seek(file.length() - 1);
            file.write(last ^ 1);
        }
        forgetOutput();
        assertEquals(Failure.FAILED, run("", "verify", store.toString()));
        assertTrue(err.toString().contains("moetier: " + dense + ": "), err.toString());
        assertEquals(Failure.FAILED, run("", "run", store.toString(), "--ids", "1"));
    }

    @Test
    void importReplacesAStoreOnlyWhenForced() {
        String store = directory.resolve("golden.mtier").toString();
        ok("import", GOLDEN, "--out", store);
        assertEquals(Failure.USAGE, run("", "import", GOLDEN, "--out", store));
        ok("import", GOLDEN, "--out", store, "--force", "--quant", "q8_0");
        ok("run", store, "--ids", "1,5", "-n", "2");
    }

    @Test
    void importRoundsExpertsAndTheRestApart() {
        String store = directory.resolve("tiny.mtier").toString();
        ok("import", TINY, "--out", store, "--quant", "q4_k", "--quant-dense", "q6_k");
        forgetOutput();
        ok("inspect", store, "--json");
        // experts: two matrices of 256 columns and one of 128, which is no whole block
        assertEquals("store, q4_k, q8_0, q6_k, bf16", parse(out.toString()).requireString("weights"));
        ok("run", store, "Once upon a time", "-n", "3");
        ok("import", TINY, "--out", store, "--force", "--quant-experts", "q4_0");
        forgetOutput();
        ok("inspect", store);
        assertTrue(out.toString().contains("store, q4_0, bf16"), out.toString());
    }

    @Test
    void importRoundsByAnImportanceMatrix() throws IOException {
        String store = directory.resolve("golden.mtier").toString();
        Path file = directory.resolve("imatrix.dat");
        writeImportances(file, 8);
        ok("import", GOLDEN, "--out", store, "--quant", "q4_0", "--imatrix", file.toString());
        String summary = "imatrix.dat weighs the columns of 48 of 60 matrices; it leaves out model.embed_tokens.weight"
                + " and 11 more";
        assertTrue(err.toString().contains(summary), err.toString());
        ok("run", store, "--ids", "1,5", "-n", "2");
        fails(
                Failure.USAGE,
                "--imatrix: expected a --quant of 6 or 4 bits, which it says how to round to, found none",
                "import",
                GOLDEN,
                "--out",
                store,
                "--force",
                "--imatrix",
                file.toString());
        writeImportances(file, 4);
        fails(
                Failure.FAILED,
                file + ": entry blk.0.ffn_gate_exps.weight: expected 8 x 64 columns, as this model has, found 256",
                "import",
                GOLDEN,
                "--out",
                store,
                "--force",
                "--quant-experts",
                "q4_0",
                "--imatrix",
                file.toString());
    }

    @Test
    void anImportanceMatrixThatIsNoFileIsCalledSo() {
        List<String> command = List.of("import", GOLDEN, "--quant", "q4_0", "--imatrix");
        Map.of(
                        directory.toString(), "expected a file, found something that is none",
                        directory.resolve("none").toString(), "no such file or directory")
                .forEach((file, reason) -> fails(
                        Failure.USAGE,
                        "--imatrix: " + file + ": " + reason,
                        Stream.concat(command.stream(), Stream.of(file)).toArray(String[]::new)));
    }

    private static void writeImportances(Path file, int experts) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(6);
        for (int layer = 0; layer < 2; layer++) {
            for (String part : List.of("gate", "up", "down")) {
                byte[] name = ("blk." + layer + ".ffn_" + part + "_exps.weight").getBytes(StandardCharsets.UTF_8);
                int length = experts * (part.equals("down") ? 96 : 64);
                bytes.putInt(name.length).put(name).putInt(1).putInt(length);
                for (int i = 0; i < length; i++) {
                    bytes.putFloat(i % 7);
                }
            }
        }
        Files.write(file, Arrays.copyOf(bytes.array(), bytes.position()));
    }

    @Test
    void aCheckpointIsImportedAgainWhenItChanges() throws IOException {
        Path checkpoint = directory.resolve("model");
        Files.createDirectories(checkpoint);
        for (String name : List.of("config.json", "model.safetensors")) {
            Files.copy(TestData.golden("mixtral").resolve(name), checkpoint.resolve(name));
        }
        ok("run", checkpoint.toString(), "--ids", "1,5", "-n", "1");
        assertTrue(err.toString().contains("importing"), err.toString());
        forgetOutput();
        ok("run", checkpoint.toString(), "--ids", "1,5", "-n", "1");
        assertFalse(err.toString().contains("importing"), err.toString());
        Files.writeString(
                checkpoint.resolve("config.json"), Files.readString(checkpoint.resolve("config.json")) + "\n");
        forgetOutput();
        ok("run", checkpoint.toString(), "--ids", "1,5", "-n", "1");
        assertTrue(err.toString().contains("importing"), err.toString());
        try (Stream<Path> walk = Files.walk(cache)) {
            assertEquals(
                    1,
                    walk.filter(path -> path.toString().endsWith(".mtier"))
                            .filter(path -> path.toString().contains("/model-"))
                            .count());
        }
    }

    @Test
    void benchMeasuresBoth() {
        ok("bench", GOLDEN, "-p", "8", "-n", "4", "-r", "2", "--json");
        JsonObject figures = parse(out.toString());
        assertEquals(2, figures.requireObject("prompt").requireInt("repetitions"));
        assertTrue(figures.requireObject("prompt").requireLong("host_bytes") >= 0);
        assertTrue(figures.requireLong("anonymous_bytes") <= figures.requireLong("resident_bytes"));
        assertTrue(figures.requireLong("resident_bytes") <= figures.requireLong("peak_resident_bytes"));
        assertTrue(figures.requireLong("resident_expert_bytes") <= figures.requireLong("expert_slot_bytes"));
        assertTrue(figures.requireLong("other_weight_bytes") > 0 && figures.requireLong("kv_bytes") > 0);
        assertTrue(figures.requireLong("workspace_bytes") > 0);
        assertTrue(figures.requireLong("jvm_bytes") <= figures.requireLong("peak_resident_bytes"));
        assertEquals(4, figures.requireObject("generation").requireInt("tokens"));
        forgetOutput();
        ok("bench", GOLDEN, "-p", "8", "-n", "0", "-r", "1");
        assertTrue(out.toString().contains("prompt 8") && !out.toString().contains("generate"), out.toString());
    }

    /// A prompt of one token chooses few experts; there is room for all.
    @Test
    void benchTellsTheExpertsThatWereLoadedFromTheRoomForThem() {
        ok("bench", GOLDEN, "-p", "1", "-n", "0", "-r", "1", "--json");
        JsonObject figures = parse(out.toString());
        int loaded = figures.requireInt("resident_experts");
        int room = figures.requireInt("expert_slots");
        long slotBytes = figures.requireLong("expert_slot_bytes") / room;
        assertEquals(figures.requireInt("experts"), room);
        assertTrue(loaded > 0 && loaded < room, out.toString());
        assertEquals(loaded * slotBytes, figures.requireLong("resident_expert_bytes"));
        forgetOutput();
        ok("bench", GOLDEN, "-p", "1", "-n", "0", "-r", "1");
        String expected = loaded + " of " + room + ", " + ByteSize.format(loaded * slotBytes) + "; room for " + room
                + ", " + ByteSize.format(room * slotBytes);
        assertTrue(out.toString().contains(expected), out.toString());
    }

    @Test
    void failuresAreOneSentence() {
        fails(Failure.FAILED, "nowhere: no such file or directory", "run", "nowhere", "Once");
        fails(Failure.FAILED, "/nowhere: no such file", "run", TINY, "-f", "/nowhere");
        fails(
                Failure.USAGE,
                "expected one prompt, found 2 of: PROMPT, --prompt-file, --ids, --ids-file",
                "run",
                TINY,
                "Once",
                "--ids",
                "1");
        fails(Failure.USAGE, "--chat: " + TINY + " has no chat template", "run", TINY, "Once", "--chat");
        fails(
                Failure.USAGE,
                "--chat needs the chat template that --no-chat-template leaves out",
                "run",
                TINY,
                "Once",
                "--chat",
                "--no-chat-template");
        fails(
                Failure.USAGE,
                GOLDEN + " has no tokenizer; run, logits and explain take token ids with --ids",
                "run",
                GOLDEN,
                "Once");
        fails(Failure.USAGE, "--temp: expected 0 or more, found -1.0", "run", TINY, "Once", "--temp", "-1");
        fails(Failure.USAGE, "-n: expected -1 or more, found -5", "run", TINY, "Once", "-n", "-5");
        fails(
                Failure.USAGE,
                "--census: expected a routing trace for the policy static, and none for others, found none for static",
                "run",
                TINY,
                "Once",
                "--policy",
                "static");
    }

    @Test
    void aPromptOfNothingIsRejected() throws IOException {
        fails(Failure.USAGE, "no prompt: standard input is empty", "run", TINY);
        fails(Failure.USAGE, "no prompt: PROMPT is empty", "run", TINY, "");
        Path file = Files.writeString(directory.resolve("empty.txt"), "\n");
        fails(Failure.USAGE, "no prompt: " + file + " is empty", "run", TINY, "-f", file.toString());
        fails(Failure.USAGE, "no prompt: give --prompt-file, --ids or --ids-file", "logits", TINY, "-o", "x");
        forgetOutput();
        assertEquals(Failure.USAGE, run("text", "run", ""));
        assertEquals(
                "moetier: invalid value for MODEL: must not be empty; see moetier run --help",
                err.toString().strip());
    }

    /// Its length tells, so that the tokenizer library, which would take minutes, does not see it.
    @Test
    void aPromptFarBeyondTheContextIsRefused() throws IOException {
        Path file = Files.writeString(directory.resolve("huge.txt"), "a".repeat(20_000_000));
        String tooLong = "--ctx: the context holds 1024 tokens, but more than 1024 are needed (the model allows 1024)";
        fails(Failure.USAGE, tooLong, "run", TINY, "-f", file.toString(), "-n", "2");
        fails(Failure.USAGE, tooLong, "explain", TINY, "-f", file.toString());
        Files.writeString(file, "a word ".repeat(100_000));
        fails(Failure.USAGE, tooLong, "run", TINY, "-f", file.toString(), "-n", "2");
    }

    @Test
    void aPromptFileAndStandardInputAreReadAlike() throws IOException {
        ok("run", TINY, "Once upon a time\n ", "--temp", "0", "-n", "5");
        String expected = out.toString();
        forgetOutput();
        assertEquals(Failure.OK, run("Once upon a time\n \n", "run", TINY, "--temp", "0", "-n", "5"));
        assertEquals(expected, out.toString());
        Path file = Files.writeString(directory.resolve("prompt.txt"), "Once upon a time\n \n");
        forgetOutput();
        ok("run", TINY, "-f", file.toString(), "--temp", "0", "-n", "5");
        assertEquals(expected, out.toString());
    }

    /// A byte order mark would be the prompt's first token, and half of Windows' line end its last.
    @Test
    void whatEditorsAddToAPromptIsNoPartOfIt() throws IOException {
        String typed = "\uFEFFOnce\r\nupon \uFEFFa\r\n\r\n";
        assertEquals(
                new Prompt.Text("Once\r\nupon \uFEFFa\r\n"),
                PromptOptions.read(new ByteArrayInputStream(typed.getBytes(StandardCharsets.UTF_8))));
        Path ids = Files.writeString(directory.resolve("marked.txt"), "\uFEFF1,5,9\r\n");
        ok("run", TINY, "--ids-file", ids.toString(), "-n", "1");
    }

    /// The first token of an answer belongs to the prompt, so that one alone has no rate; it was called 0.00.
    @Test
    void oneTokenIsNotSeveralAndHasNoRate() {
        String prompt = "(?s).*\\b1 prompt token at [0-9.]+/s, ";
        ok("run", TINY, "--ids", "1", "-n", "1");
        assertTrue(err.toString().matches(prompt + "1 token, [0-9.]+ % of experts.*"), err.toString());
        forgetOutput();
        ok("run", TINY, "--ids", "1", "-n", "0");
        assertTrue(err.toString().matches(prompt + "0 tokens, [0-9.]+ % of experts.*"), err.toString());
        forgetOutput();
        ok("run", TINY, "--ids", "1", "-n", "1", "--stats");
        assertTrue(err.toString().matches("(?s).*\nanswer +1 +- +0[.]0.*"), err.toString());
        String tooLong = "--ctx: the context holds 1 token, but 2 are needed (the model allows 1024)";
        fails(Failure.USAGE, tooLong, "run", TINY, "--ids", "1,2", "--ctx", "1");
    }

    @Test
    void faultsOfAPromptFileNameItAndAreNoUsage() throws IOException {
        Path latin = Files.write(directory.resolve("latin.txt"), new byte[] {'c', 'a', 'f', (byte) 0xe9});
        String expected = ": expected UTF-8 text, found other bytes";
        fails(Failure.FAILED, latin + expected, "run", TINY, "-f", latin.toString());
        assertThrows(
                UncheckedIOException.class,
                () -> PromptOptions.read(new ByteArrayInputStream(new byte[] {'f', (byte) 0xe9})));
        fails(Failure.FAILED, directory + ": Is a directory", "run", TINY, "-f", directory.toString());
        fails(Failure.FAILED, directory + ": Is a directory", "run", TINY, "--ids-file", directory.toString());
        Path words = Files.writeString(directory.resolve("words.txt"), "1,two");
        fails(
                Failure.FAILED,
                words + ": expected token ids such as 1,5,9, found 'two'",
                "run",
                TINY,
                "--ids-file",
                words.toString());
    }

    @Test
    void optionsWithoutEffectAreRejected() {
        fails(
                Failure.USAGE,
                "--json and --stats: expected one of them, the object holds the figures",
                "run",
                TINY,
                "Once",
                "--json",
                "--stats");
        fails(
                Failure.USAGE,
                "--chat needs a text, but --ids and --ids-file give token ids",
                "run",
                TINY,
                "--ids",
                "1",
                "--chat");
        fails(
                Failure.USAGE,
                "--stop: without a tokenizer there is no text to stop at",
                "run",
                GOLDEN,
                "--ids",
                "1",
                "--stop",
                "x");
        Surroundings terminal = new Surroundings(Map.of("MOETIER_CACHE", cache.toString()), directory, "012");
        forgetOutput();
        assertEquals(Failure.USAGE, run(terminal, "", "run", TINY, "--json"));
        assertEquals(
                "moetier: --json needs a prompt: give PROMPT, --prompt-file, --ids or --ids-file",
                err.toString().strip());
    }

    @Test
    void anOutputThatCannotBeWrittenIsRefusedBeforeTheModelIsLoaded() throws IOException {
        Path nowhere = directory.resolve("nowhere/out");
        for (String command : List.of("logits", "trace record")) {
            // The model does not exist, which would be the next thing to fail.
            String[] args = (command + " no-such-model --ids 1 --out").split(" ");
            fails(
                    Failure.USAGE,
                    "--out: expected a file, found the directory " + directory,
                    Stream.concat(Stream.of(args), Stream.of(directory.toString()))
                            .toArray(String[]::new));
            fails(
                    Failure.FAILED,
                    nowhere + ": cannot be written: no such directory",
                    Stream.concat(Stream.of(args), Stream.of(nowhere.toString()))
                            .toArray(String[]::new));
        }
        Path kept = Files.writeString(directory.resolve("kept"), "as it was");
        fails(
                Failure.FAILED,
                "no-such-model: no such file or directory",
                "logits",
                "no-such-model",
                "--ids",
                "1",
                "--out",
                kept.toString());
        assertEquals("as it was", Files.readString(kept));
        try (Stream<Path> left = Files.list(directory)) {
            assertEquals(List.of(kept), left.toList());
        }
    }

    @Test
    void logitsLeaveOneFile() throws IOException {
        Path file = Files.writeString(directory.resolve("logits.safetensors"), "replaced");
        ok("logits", GOLDEN, "--kv", "f32", "--ids", "1,5", "--out", file.toString());
        try (Stream<Path> left = Files.list(directory)) {
            assertEquals(List.of(file), left.toList());
        }
    }

    @Test
    void aStopTextEndsARecording() throws IOException {
        ok("run", TINY, "Once upon a time", "--temp", "0", "-n", "12", "--stop", "old", "--json");
        int expected = ints(parse(out.toString()), "ids").size();
        Path prompt = Files.writeString(directory.resolve("prompt.txt"), "Once upon a time");
        Path file = directory.resolve("t.jsonl.gz");
        ok(
                "trace",
                "record",
                TINY,
                "-f",
                prompt.toString(),
                "--temp",
                "0",
                "-n",
                "12",
                "--stop",
                "old",
                "--out",
                file.toString());
        long decoded = RoutingTrace.read(file).tokens().stream()
                .filter(token -> token.phase() == Phase.DECODE)
                .count();
        assertEquals(expected - 1, decoded); // the last token is not fed back
    }

    @Test
    void aBudgetThatIsTooSmallNamesItsOption() {
        forgetOutput();
        assertEquals(Failure.USAGE, run("", "run", TINY, "Once", "--ram", "0"));
        assertTrue(err.toString().startsWith("moetier: --ram: a budget of 0 bytes is too small"), err.toString());
    }

    private void fails(int exitCode, String sentence, String... args) {
        forgetOutput();
        assertEquals(exitCode, run("", args), err.toString());
        List<String> lines = err.toString().lines().toList();
        assertEquals("moetier: " + sentence, lines.getLast());
    }

    private void ok(String... args) {
        assertEquals(Failure.OK, run("", args), err.toString());
    }

    private int run(String input, String... args) {
        return run(new Surroundings(Map.of("MOETIER_CACHE", cache.toString()), directory, ""), input, args);
    }

    private int run(Surroundings surroundings, String input, String... args) {
        Streams streams = new Streams(
                new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)), out, new PrintWriter(err));
        return Moetier.execute(surroundings, streams, args);
    }

    private static JsonObject parse(String text) {
        return Json.parseObject(text.getBytes(StandardCharsets.UTF_8), Path.of("output"));
    }

    private static List<Integer> ints(JsonObject object, String key) {
        return object.optionalInts(key).orElseThrow();
    }

    private static String join(List<Integer> ids) {
        return ids.stream().map(String::valueOf).collect(Collectors.joining(","));
    }
}
