package io.moetier.cli.perplexity;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.models.LibraryTerminal;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.runtime.library.Stores;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.text.Tokenizer;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.format.SafetensorsFile;
import io.moetier.storage.memory.AvailableMemory;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PerplexityTest {
    private static final String TINY = TestData.tinyMixtral().toString();
    private static final String SENTENCE = "Once upon a time there was a little girl who lived near the old mill. ";

    @TempDir
    static Path cache = Path.of("");

    @TempDir
    Path directory = Path.of("");

    private String text = "";

    @BeforeEach
    void writeText() throws IOException {
        text = Files.writeString(directory.resolve("text.txt"), SENTENCE.repeat(4))
                .toString();
    }

    @Test
    void theSecondHalfOfEachWindowIsScored() {
        JsonObject found = perplexity("--ctx", "16");
        int windows = found.requireInt("windows");
        assertEquals((16 - 1 - 8) * windows, found.requireInt("tokens_scored"));
        assertTrue(windows >= 3, () -> "only " + windows);
        assertTrue(found.requireDouble("perplexity_error") > 0);
    }

    /// The same figure from what `logits` writes for the one window.
    @Test
    void perplexityIsThatOfTheLogits() {
        Path file = directory.resolve("logits.safetensors");
        run("logits", TINY, "--prompt-file", text, "--out", file.toString());
        float[] logits;
        try (SafetensorsFile written = SafetensorsFile.open(file)) {
            logits = written.readFloats("logits");
        }
        int[] ids = tokens();
        int vocabulary = logits.length / ids.length;
        int ctx = ids.length; // one window
        double loss = 0;
        for (int i = ctx / 2; i < ctx - 1; i++) {
            double sum = 0;
            for (int j = 0; j < vocabulary; j++) {
                sum += Math.exp(logits[i * vocabulary + j]);
            }
            loss += Math.log(sum) - logits[i * vocabulary + ids[i + 1]];
        }
        double expected = Math.exp(loss / (ctx - 1 - ctx / 2));
        assertEquals(expected, perplexity("--ctx", "" + ctx).requireDouble("perplexity"), 1e-5 * expected);
    }

    @Test
    void aModelDoesNotDivergeFromItself() {
        JsonObject found = perplexity("--ctx", "16", "--reference", TINY).requireObject("reference");
        assertEquals(0, found.requireDouble("kl_divergence"), 1e-6);
        assertEquals(1, found.requireDouble("perplexity_ratio"), 1e-6);
        assertEquals(1, found.requireDouble("same_top"));
    }

    @Test
    void fewerBitsDiverge() {
        String store = directory.resolve("tiny.mtier").toString();
        run("import", TINY, "--quant", "q8_0", "--out", store);
        CommandLineRun table =
                run("perplexity", store, "--file", text, "--ctx", "64", "--threads", "1", "--reference", TINY);
        assertTrue(table.out().contains(" in 1 window of 64\n"), table.out());
        assertTrue(table.out().contains("same top token"), table.out());
        JsonObject found =
                parse(run("perplexity", store, "--file", text, "--ctx", "16", "--reference", TINY, "--json"));
        JsonObject reference = found.requireObject("reference");
        double divergence = reference.requireDouble("kl_divergence");
        assertTrue(divergence > 1e-7 && divergence < 0.01, () -> "" + divergence);
        JsonObject percentiles = reference.requireObject("kl_divergence_percentiles");
        assertTrue(percentiles.requireDouble("median") <= percentiles.requireDouble("99 %"));
        assertTrue(percentiles.requireDouble("99.9 %") <= reference.requireDouble("kl_divergence_most"));
        double ratio = found.requireDouble("perplexity") / reference.requireDouble("perplexity");
        assertEquals(ratio, reference.requireDouble("perplexity_ratio"), 1e-6);
    }

    @Test
    void windowsBeginWithTheFirstToken() {
        int[] tokens = {1, 2, 3, 4, 5, 6, 7, 8, 9};
        Windows windows = new Windows(tokens, 4, OptionalInt.of(1));
        assertEquals(2, windows.count());
        assertArrayEquals(new int[] {1, 6, 7, 8}, windows.window(1));
        assertArrayEquals(new int[] {5, 6, 7, 8}, new Windows(tokens, 4, OptionalInt.empty()).window(1));
    }

    @Test
    void aMeanKnowsItsError() {
        Mean mean = new Mean();
        Stream.of(1.0, 2.0, 3.0, 6.0).forEach(mean::add);
        assertEquals(3, mean.value());
        assertEquals(Math.sqrt(3.5 / 3), mean.error(), 1e-12);
    }

    @Test
    void whatCannotBeMeasuredIsSaid() throws IOException {
        fails(
                "--file: expected at least 512 tokens, one window of --ctx, found " + tokens().length,
                TINY,
                "--file",
                text);
        fails("--ctx must be at least 4, not 2", TINY, "--file", text, "--ctx", "2");
        String golden = TestData.golden("mixtral").toString();
        fails(golden + " has no tokenizer; run, logits and explain take token ids with --ids", golden, "--file", text);
        String expected = "--reference: expected the 4096 tokens of " + TINY + ", found a vocabulary of ";
        CommandLineRun run = CommandLineRun.inProcess(
                cache, "perplexity", TINY, "--file", text, "--ctx", "16", "--reference", golden);
        assertTrue(run.err().contains("moetier: " + expected), run.err());
        fails(
                directory.resolve("none") + ": no such file",
                TINY,
                "--file",
                directory.resolve("none").toString());
    }

    @Test
    void aWindowIsTheModelsContextWhereThatIsLess() throws IOException {
        Path small = withContext(32);
        JsonObject found = parse(run("perplexity", small.toString(), "--file", text, "--json"));
        assertEquals(32, found.requireInt("ctx"));
        found = parse(run("perplexity", small.toString(), "--file", text, "--ctx", "16", "--json"));
        assertEquals(16, found.requireInt("ctx"));
        found = parse(run("perplexity", TINY, "--file", text, "--reference", small.toString(), "--json"));
        assertEquals(32, found.requireInt("ctx"));
        fails(
                "--ctx: 64 is more than the 32 tokens that the model allows (max_position_embeddings)",
                small.toString(),
                "--file",
                text,
                "--ctx",
                "64");
    }

    /// Without a share each budget would be nine tenths of what is free.
    @Test
    void twoModelsShareTheFreeMemory() {
        Surroundings surroundings = new Surroundings(Map.of("MOETIER_CACHE", cache.toString()), cache, "");
        PrintWriter nowhere = new PrintWriter(Writer.nullWriter());
        Streams streams = new Streams(InputStream.nullInputStream(), nowhere, nowhere);
        Stores stores = LibraryTerminal.stores(surroundings, streams);
        long before;
        long after;
        long first;
        do {
            before = AvailableMemory.bytes();
            try (ComparedModels models =
                    ComparedModels.load(stores, TestData.tinyMixtral(), TestData.tinyMixtral(), EngineConfig.DEFAULT)) {
                after = AvailableMemory.bytes();
                first = models.model().engine().expertTiers().residentSummary().budgetBytes();
            }
        } while (Math.abs(after - before) > 0.1 * before); // others took or gave back much meanwhile
        assertTrue(first < 0.65 * before, first + " of " + before);
    }

    @Test
    void aTextMayEndWithinACharacter() throws IOException {
        byte[] bytes = (SENTENCE.repeat(4) + "é").getBytes(StandardCharsets.UTF_8);
        Files.write(Path.of(text), Arrays.copyOf(bytes, bytes.length - 1));
        assertTrue(perplexity("--ctx", "16").requireInt("windows") >= 3);
    }

    private JsonObject perplexity(String... options) {
        return parse(run(Stream.concat(Stream.of("perplexity", TINY, "--file", text, "--json"), Stream.of(options))
                .toArray(String[]::new)));
    }

    private Path withContext(int length) throws IOException {
        Path small = Files.createDirectory(directory.resolve("small"));
        try (Stream<Path> files = Files.list(TestData.tinyMixtral())) {
            for (Path file : files.toList()) {
                Files.copy(file, small.resolve(file.getFileName()));
            }
        }
        Path config = small.resolve("config.json");
        String text = Files.readString(config);
        String changed = text.replaceFirst("(\"max_position_embeddings\": *)\\d+", "$1" + length);
        assertNotEquals(text, changed);
        Files.writeString(config, changed);
        return small;
    }

    private int[] tokens() {
        Path json = TestData.tinyMixtral().resolve("tokenizer.json");
        Path config = TestData.tinyMixtral().resolve("tokenizer_config.json");
        try (Tokenizer tokenizer = Tokenizer.open(json, Optional.of(config), cache)) {
            return tokenizer.encode(SENTENCE.repeat(4), true);
        }
    }

    private static void fails(String sentence, String... args) {
        CommandLineRun run = CommandLineRun.inProcess(
                cache, Stream.concat(Stream.of("perplexity"), Stream.of(args)).toArray(String[]::new));
        assertEquals("moetier: " + sentence, run.err().lines().toList().getLast());
        assertTrue(run.exitCode() != Failure.OK);
    }

    private static CommandLineRun run(String... args) {
        CommandLineRun run = CommandLineRun.inProcess(cache, args);
        assertEquals(Failure.OK, run.exitCode(), run.err());
        return run;
    }

    private static JsonObject parse(CommandLineRun run) {
        return Json.parseObject(run.out().getBytes(StandardCharsets.UTF_8), Path.of("output"));
    }
}
