package io.moetier.cli.explain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.terminal.Failure;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ExplainTest {
    private static final String TINY = TestData.tinyMixtral().toString();

    /// What fits a terminal without scrolling.
    private static final int SCREEN = 24;

    @TempDir
    static Path cache = Path.of("");

    @TempDir
    Path directory = Path.of("");

    static Stream<String> cases() {
        return Stream.concat(TestData.GOLDEN_CASES.stream(), TestData.ENCODER_DECODER_CASES.stream());
    }

    @Test
    void theFiveStepsOfTheLastTokenFitAScreen() {
        String out = ok(TINY, "Once upon a time");
        assertTrue(out.startsWith(TINY + " (mixtral): 8 layers with a mixture, 0 to 7; 6 tokens\n"), out);
        assertTrue(out.contains("\nlayer 0, experts\n1 token 5 of 0 to 5, \" time\", id 683: embedding of size "), out);
        assertTrue(out.contains("\n2 gate: softmax; 3 choice: 2 of 16 experts\n"), out);
        assertTrue(out.contains("3 weight  4 output   added  5 of sum\n14 "), out);
        assertTrue(out.contains("100.0 %\n"), out);
        assertTrue(out.contains("--layer N|all and --token N|all show more"), out);
        assertTrue(out.lines().count() <= SCREEN, out);
    }

    @Test
    void layersAndTokensCanBeChosen() {
        assertEquals(8, count(ok(TINY, "Once upon a time", "--layer", "all"), "\nlayer \\d, experts\n1 token 5 of"));
        assertEquals(6, count(ok(TINY, "Once upon a time", "--token", "all"), "\nlayer 0, experts\n1 token \\d of"));
        String out = ok(TINY, "Once upon a time", "--token", "2", "--layer", "7");
        assertEquals(1, count(out, "\nlayer \\d, experts\n1 token"));
        assertTrue(out.contains("\nlayer 7, experts\n1 token 2 of 0 to 5, \"ce\", id 344:"), out);
    }

    @Test
    void encoderAndDecoderAreBothExplained() {
        String out = ok(golden("switch_transformers_capacity"), "--ids", "5,5,5,5,5,5,5", "--decoder-ids", "0,6");
        assertTrue(out.contains("7 tokens of the encoder's input and 2 of the decoder's output\n"), out);
        assertTrue(out.contains("\nlayer 1 (the encoder's), experts\n1 token 6 of 0 to 6, id 5:"), out);
        assertTrue(out.contains("3 choice: 1 of 8 experts, 1 dropped: no room left in its expert\n"), out);
        assertTrue(out.contains("\nlayer 5 (the decoder's 1), experts\n1 token 1 of 0 to 1, id 6:"), out);
        out = ok(golden("nllb_moe"), "--ids", "5,6,7");
        assertTrue(out.contains("(the decoder's 1), experts\n1 token 0 of 0 to 0, id 2:"), out); // the start token
        out = ok(golden("nllb_moe"), "--ids", "5,6,7", "--token", "2", "--layer", "all");
        assertFalse(out.contains("the decoder's 1"), out);
    }

    @Test
    void everyKindOfPartIsNamed() {
        String out = ok(golden("jetmoe"), "--ids", "5,6,7");
        assertTrue(out.contains("\nlayer 0, attention heads\n") && out.contains("\nlayer 0, experts\n"), out);
        assertEquals(2, count(out, "\nbias "));
        out = ok(golden("deepseek_v3"), "--ids", "5,6,7");
        assertTrue(out.contains("3 choice: 4 of 16 experts from 2 of 4 groups by score plus correction\n"), out);
        assertTrue(out.contains("\nshared ") && out.contains(" (group 3) ") && out.contains("ranked"), out);
        assertTrue(ok(golden("longcat_flash"), "--ids", "5,6,7", "--token", "0").contains("8 identity "));
        assertTrue(ok(golden("llama4_scout"), "--ids", "5").contains("1 of 4 experts, weights on what they read\n"));
        assertTrue(ok(golden("phimoe"), "--ids", "5,6").contains("2 gate: sparsemixer;"));
    }

    @Test
    void whatWasNotChosenIsInTheOrderOfTheChoice() {
        assertDescending(1, ok(golden("phimoe"), "--ids", "5,6,7,8,9", "--layer", "all", "--token", "all"));
        assertDescending(-1, ok(golden("deepseek_v3"), "--ids", "5,6,7,8,9", "--layer", "all", "--token", "all"));
    }

    /// Checks a column of the experts that were not chosen, whose rows end with what they were chosen by.
    ///
    /// @param column from the left or, if below zero, from the right
    private static void assertDescending(int column, String out) {
        List<String[]> rows = out.lines()
                .filter(line -> line.matches("[0-9]+ .*"))
                .map(line ->
                        line.replaceAll("\\(group ([0-9]+)\\)|[█%]", "").strip().split(" +"))
                .toList();
        int compared = 0;
        for (int i = 1; i < rows.size(); i++) {
            String[] row = rows.get(i);
            String[] before = rows.get(i - 1);
            if (row.length <= 4 && before.length == row.length && !row[1].equals("more")) {
                compared++;
                int at = column < 0 ? row.length + column : column;
                assertTrue(Double.parseDouble(before[at]) >= Double.parseDouble(row[at]), out);
            }
        }
        assertTrue(compared > 0, out);
    }

    @Test
    void thereIsNoZeroBelowZero() {
        String out = ok(golden("longcat_flash"), "--ids", "1,2,3,4,5,6,7,8", "--layer", "all", "--token", "all");
        assertTrue(out.contains(" 0.0 %\n"), out);
        assertFalse(out.contains("-0.0 %"), out);
        assertFalse(out.matches("(?s).*-0\\.000\\b.*"), out);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void everyFamilyIsExplained(String name) throws IOException {
        JsonObject reference = Json.readObject(TestData.golden(name).resolve("reference.json"));
        Path json = directory.resolve("all.json");
        Path page = directory.resolve("page.html");
        String ids = reference.optionalInts("input_ids").orElseThrow().stream()
                .map(String::valueOf)
                .collect(Collectors.joining(","));
        ok(golden(name), "--ids", ids, "--json", json.toString(), "--report", page.toString());
        assertTrue(Files.readString(page).contains("id=\"added0\""));
        JsonObject all = Json.readObject(json);
        List<JsonObject> mixtures = all.requireObjects("mixtures");
        int router = (int) mixtures.stream()
                .filter(mixture -> mixture.requireInt("token") == 0)
                .count();
        int expected = reference.requireObjects("router").size();
        assertEquals(expected, router);
        for (JsonObject mixture : mixtures) {
            double shares = mixture.requireObjects("parts").stream()
                    .mapToDouble(part -> part.requireDouble("share_of_sum"))
                    .sum();
            assertEquals(mixture.requireDouble("sum_size") == 0 ? 0 : 1, shares, 1e-4, () -> name + mixture.asMap());
        }
    }

    @Test
    void imagesAreToldFromText() throws IOException {
        Path json = directory.resolve("all.json");
        Path page = directory.resolve("page.html");
        String model = golden("qwen3_vl_moe");
        String image = TestData.golden("qwen3_vl_moe").resolve("image.png").toString();
        String out = ok(model, "--image", image, "1 2 3", "--token", "9", "--json", "" + json, "--report", "" + page);
        assertTrue(out.contains("0 to 2; 29 tokens, 24 of images\n"), out);
        assertTrue(out.contains("1 token 9 of 0 to 28, of an image, id 310:"), out);
        assertTrue(out.contains("\nimages and text\n\nlayer  experts of images  of text  of both  overlap"), out);
        assertTrue(Files.readString(page).contains("id=\"modalities\""));
        JsonObject all = Json.readObject(json);
        assertEquals(
                24,
                all.requireObjects("tokens").stream()
                        .filter(token -> token.requireString("modality").equals("image"))
                        .count());
        JsonObject layer = all.requireObjects("modalities").getFirst();
        assertEquals(24 * 2, sum(layer, "image_choices"));
        assertEquals(5 * 2, sum(layer, "text_choices"));
        String ids = "312," + "310,".repeat(24) + "313,1,2,3";
        assertEquals(out, ok(model, "--image", image, "--ids", ids, "--token", "9"));
        assertFalse(ok(model, "--ids", "1,2,3").contains("images and text"));
    }

    private static long sum(JsonObject object, String key) {
        return object.requireLongs(key).stream().mapToLong(Long::longValue).sum();
    }

    @Test
    void theFileHasEveryFigure() {
        Path json = directory.resolve("all.json");
        CommandLineRun run = run(TINY, "Once upon a time", "--json", json.toString());
        assertTrue(run.err().contains(json + ": every figure, as JSON\n"), run.err());
        JsonObject all = Json.readObject(json);
        assertEquals("mixtral", all.requireString("family"));
        assertEquals(
                "<s> Once upon a time",
                all.requireObjects("tokens").stream()
                        .map(token -> token.requireString("text"))
                        .collect(Collectors.joining()));
        List<JsonObject> mixtures = all.requireObjects("mixtures");
        assertEquals(6 * 8, mixtures.size());
        JsonObject last = mixtures.getLast();
        assertEquals(7, last.requireInt("layer"));
        assertEquals(5, last.requireInt("token"));
        assertEquals(16, last.requireDoubles("logits").size());
        double sum = last.requireDoubles("scores").stream()
                .mapToDouble(Double::doubleValue)
                .sum();
        assertEquals(1, sum, 1e-5);
        JsonObject part = last.requireObjects("parts").getFirst();
        assertEquals("expert", part.requireString("kind"));
        assertEquals(
                part.requireDouble("weight") * part.requireDouble("output_size"), part.requireDouble("size"), 1e-9);
    }

    /// It takes two passes, and its page draws the end of it.
    @Test
    void aLongPromptIsExplainedToo() throws IOException {
        Path json = directory.resolve("all.json");
        Path page = directory.resolve("page.html");
        String ids = IntStream.range(0, 600).mapToObj(i -> "" + i % 300).collect(Collectors.joining(","));
        String out = ok(golden("mixtral"), "--ids", ids, "--json", json.toString(), "--report", page.toString());
        assertTrue(out.contains("\n1 token 599 of 0 to 599, id 299:"), out);
        assertTrue(Files.readString(page).contains("tokens downwards, the last 128 of 600,"));
        List<JsonObject> mixtures = Json.readObject(json).requireObjects("mixtures");
        assertEquals(2 * 600, mixtures.size());
        assertEquals(512, mixtures.get(512).requireInt("token"));
    }

    /// In a JVM of its own, whose working directory is not that of the tests.
    @Test
    void htmlAloneNamesThePage() throws InterruptedException, IOException {
        Path log = directory.resolve("log");
        int exitCode = CommandLineRun.await(
                log,
                List.of("env", "-C", directory.toString(), "MOETIER_CACHE=" + cache.toAbsolutePath()),
                "explain",
                TINY,
                "Once upon a time",
                "--report",
                "html");
        String said = Files.readString(log);
        assertEquals(0, exitCode, said);
        assertTrue(said.contains("explain.html: a page with heat maps of all layers"), said);
        assertTrue(Files.readString(directory.resolve("explain.html")).contains("id=\"gate7\""));
    }

    @Test
    void theSmallestBudgetExplainsTheSame() {
        assertEquals(ok(TINY, "Once upon a time"), ok(TINY, "Once upon a time", "--ram", "384K"));
    }

    @Test
    void failuresAreOneSentence() {
        fails("no prompt: give PROMPT, --prompt-file, --ids or --ids-file", TINY);
        fails("--layer: expected a number or all, found 'first'", "nowhere", "Once", "--layer", "first");
        fails("--token: expected a number, last or all, found '-1'", "nowhere", "Once", "--token", "-1");
        fails(
                "--layer 8: no mixture there, the layers that have one are 0, 1, 2, 3, 4, 5, 6, 7",
                TINY,
                "Once",
                "--layer",
                "8");
        fails("--token 6: there are 6 tokens, 0 to 5", TINY, "Once upon a time", "--token", "6");
        fails("--token 1: there is one token, 0", golden("mixtral"), "--ids", "7", "--token", "1");
        fails(
                "--decoder-ids: mixtral has no encoder; the prompt is all that it reads",
                golden("mixtral"),
                "--ids",
                "7",
                "--decoder-ids",
                "1");
        fails(
                golden("mixtral") + " has no tokenizer; run, logits and explain take token ids with --ids",
                golden("mixtral"),
                "Once");
        fails("--report: expected a file, found the directory " + directory, TINY, "Once", "--report", "" + directory);
        fails("--json: expected a file, found the directory " + directory, TINY, "Once", "--json", "" + directory);
        CommandLineRun run =
                run(TINY, "Once", "--json", directory.resolve("no/where").toString());
        assertEquals(Failure.FAILED, run.exitCode());
        assertTrue(run.err().endsWith("cannot be written: no such directory\n"), run.err());
    }

    private static long count(String text, String pattern) {
        return text.split(pattern, -1).length - 1L;
    }

    private static String golden(String name) {
        return TestData.golden(name).toString();
    }

    private static void fails(String sentence, String... args) {
        CommandLineRun run = run(args);
        assertEquals(Failure.USAGE, run.exitCode(), run.err());
        assertEquals("moetier: " + sentence, run.err().lines().toList().getLast());
    }

    private static String ok(String... args) {
        CommandLineRun run = run(args);
        assertEquals(Failure.OK, run.exitCode(), run.err());
        return run.out();
    }

    private static CommandLineRun run(String... args) {
        return CommandLineRun.inProcess(
                cache, Stream.concat(Stream.of("explain"), Arrays.stream(args)).toArray(String[]::new));
    }
}
