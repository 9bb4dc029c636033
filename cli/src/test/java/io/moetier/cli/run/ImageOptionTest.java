package io.moetier.cli.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.terminal.Failure;
import io.moetier.runtime.trace.RoutingTrace;
import io.moetier.runtime.trace.TraceToken;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.format.SafetensorsFile;
import io.moetier.storage.format.SafetensorsWriter;
import io.moetier.storage.model.Modality;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/// Pictures through the command line: from the file to the reference's logits and tokens.
class ImageOptionTest {
    private static final int ALONE = 310; // the image token of cases other than the next
    private static final String APART = "llama4_scout_image"; // other tokens are between those of its tiles

    @TempDir
    Path directory = Path.of("");

    private static Path golden(String name) {
        return TestData.golden(name);
    }

    private static List<Integer> ints(String name, String key) {
        return Json.readObject(golden(name).resolve("reference.json"))
                .optionalInts(key)
                .orElseThrow();
    }

    private static String ids(List<Integer> ids) {
        return ids.stream().map(Object::toString).collect(Collectors.joining(","));
    }

    @ParameterizedTest
    @FieldSource("io.moetier.testdata.TestData#GOLDEN_IMAGE_CASES")
    void answersAreTheReferences(String name) {
        List<Integer> prompt = ints(name, "input_ids");
        for (List<Integer> given : name.equals(APART) ? List.of(prompt) : List.of(prompt, marked(prompt))) {
            CommandLineRun run = run(
                    "run",
                    golden(name).toString(),
                    "--ids",
                    ids(given),
                    "--image",
                    picture(name),
                    "-n",
                    "6",
                    "--temp",
                    "0",
                    "--kv",
                    "f32");
            assertEquals(Failure.OK, run.exitCode(), run::err);
            String expected = ints(name, "greedy_ids").stream()
                    .limit(6)
                    .map(Object::toString)
                    .collect(Collectors.joining(" "));
            assertEquals(expected, run.out().strip());
        }
    }

    /// Returns a prompt with one image token of many.
    private static List<Integer> marked(List<Integer> prompt) {
        int first = prompt.indexOf(ALONE);
        List<Integer> marked = prompt.stream().filter(id -> id != ALONE).collect(Collectors.toList());
        marked.add(first, ALONE);
        return marked;
    }

    /// The case's tokenizer reads numbers as ids, and writes ids as numbers.
    @Test
    void textsWithPicturesAreAnswered() throws IOException {
        String name = "qwen3_vl_moe";
        List<Integer> prompt = ints(name, "input_ids");
        String before = ids(prompt.subList(0, prompt.indexOf(ALONE) - 1)).replace(',', ' ');
        String behind = ids(prompt.subList(prompt.lastIndexOf(ALONE) + 2, prompt.size()))
                .replace(',', ' ');
        String expected = ids(ints(name, "greedy_ids").subList(0, 6)).replace(',', ' ');
        for (String image : List.of(picture(name), "-")) {
            CommandLineRun run = CommandLineRun.inProcess(
                    directory.resolve("cache"),
                    Files.readAllBytes(Path.of(picture(name))),
                    "run",
                    golden(name).toString(),
                    before + "<image>" + behind,
                    "--no-chat",
                    "--image",
                    image,
                    "-n",
                    "6",
                    "--temp",
                    "0",
                    "--kv",
                    "f32");
            assertEquals(Failure.OK, run.exitCode(), run::err);
            assertEquals(expected, run.out().strip());
        }
    }

    @ParameterizedTest
    @FieldSource("io.moetier.testdata.TestData#GOLDEN_IMAGE_CASES")
    void pixelValuesAreThoseOfThePicture(String name) {
        Path ofPicture = directory.resolve("picture.safetensors");
        Path ofValues = directory.resolve("values.safetensors");
        logits(name, "--image", picture(name), ofPicture);
        logits(
                name,
                "--pixel-values",
                golden(name).resolve("inputs.safetensors").toString(),
                ofValues);
        try (SafetensorsFile one = SafetensorsFile.open(ofPicture);
                SafetensorsFile other = SafetensorsFile.open(ofValues);
                SafetensorsFile reference = SafetensorsFile.open(golden(name).resolve("logits.safetensors"))) {
            assertArrayEquals(one.readFloats("logits"), other.readFloats("logits"));
            assertArrayEquals(reference.readFloats("logits"), one.readFloats("logits"), 1e-4f);
        }
    }

    private void logits(String name, String option, String file, Path out) {
        CommandLineRun run = run(
                "logits",
                golden(name).toString(),
                "--ids",
                ids(ints(name, "input_ids")),
                option,
                file,
                "--kv",
                "f32",
                "-o",
                out.toString());
        assertEquals(Failure.OK, run.exitCode(), run::err);
    }

    /// A trace says which tokens are of an image, and what is read from it tells the two kinds apart.
    @Test
    void tracesTellImagesFromText() {
        String name = "qwen3_vl_moe";
        Path trace = directory.resolve("trace.jsonl.gz");
        ok(run(
                "trace",
                "record",
                golden(name).toString(),
                "--ids",
                "1,2,312,310,313,3",
                "--image",
                picture(name),
                "-n",
                "3",
                "--temp",
                "0",
                "-o",
                trace.toString()));
        RoutingTrace recorded = RoutingTrace.read(trace);
        assertEquals(24, recorded.header().imageTokens());
        for (TraceToken token : recorded.tokens()) {
            boolean isImage = token.position() >= 3 && token.position() < 27;
            assertEquals(isImage ? Modality.IMAGE : Modality.TEXT, token.modality(), () -> "" + token.position());
        }
        String shown = ok(run("trace", "show", trace.toString()));
        assertTrue(shown.contains("29 of prompts, 2 generated; 24 of images"), shown);
        assertTrue(shown.contains("experts of images  of text  of both  overlap  information"), shown);
        JsonObject json = Json.parseObject(
                ok(run("trace", "show", trace.toString(), "--json")).getBytes(StandardCharsets.UTF_8), trace);
        assertEquals(3, json.requireObjects("modalities").size());
    }

    @Test
    void whatCannotBeShownIsSaidInOneSentence() throws IOException {
        String model = golden("qwen3_vl_moe").toString();
        String picture = picture("qwen3_vl_moe");
        Path text = Files.writeString(directory.resolve("text.png"), "no picture");
        assertRefused("--pixel-values needs --ids", "run", model, "--pixel-values", picture, "hello");
        assertRefused("the message has 2 times <image>", "run", model, "--image", picture, "<image> <image>");
        assertRefused("reads no images", "run", TestData.tinyMixtral().toString(), "--image", picture, "hello");
        assertRefused("one picture, and then no prompt", "run", model, "--image", "-");
        assertRefused("one picture, and then no prompt", "run", model, "--image", "-", "--image", "-", "hello");
        assertRefused("reads no images", "run", golden("mixtral").toString(), "--ids", "1,2", "--image", picture);
        assertRefused("but the text has 0", "run", model, "--ids", "1,2", "--image", picture);
        assertRefused("but the text has 2", "run", model, "--ids", "1,310,310,2", "--image", picture);
        assertRefused("no image is shown for", "run", model, "--ids", "310,2,310", "--image", picture);
        assertRefused("text.png", "run", model, "--ids", "310,2", "--image", text.toString());
        assertRefused(
                "the context holds 16 tokens", "run", model, "--ids", "1,310,2", "--image", picture, "--ctx", "16");
        assertRefused("outside the vocabulary", "run", model, "--ids", "310,9999", "--image", picture);
        assertRefused(
                "none.png",
                "run",
                "none.gguf",
                "--ids",
                "310",
                "--image",
                "none.png"); // before the model is looked for
        assertRefused("none.png", "run", model, "--ids", "310,2", "--image", "none.png");
        assertRefused("must not be empty", "run", model, "--image", "", "hello");
        assertRefused("none.safetensors", "run", model, "--ids", "310", "--pixel-values", "none.safetensors");
        assertRefused(
                "tensor pixel_values",
                "run",
                model,
                "--ids",
                "310",
                "--pixel-values",
                golden("qwen3_vl_moe").resolve("logits.safetensors").toString());
        String tiles = golden(APART).toString();
        assertRefused(
                "tile 1 of the 7 of image 1 takes 4 tokens of id 315, but the text has 1",
                "run",
                tiles,
                "--ids",
                "1,315,2",
                "--image",
                picture);
        assertRefused(
                "model reads 4 by 4",
                "run",
                tiles,
                "--ids",
                "1,315,2",
                "--pixel-values",
                smallTiles().toString());
        assertRefused(
                "image_position_ids: expected columns and rows of patches, row by row",
                "run",
                golden("gemma4_moe_image").toString(),
                "--ids",
                "1,310,2",
                "--pixel-values",
                patchesAtNoPlace().toString());
        assertRefused("expected one of them", "run", model, "--ids", "1", "--image", "a", "--pixel-values", "b");
    }

    private Path smallTiles() throws IOException {
        Path file = directory.resolve("small.safetensors");
        try (SafetensorsWriter writer = SafetensorsWriter.create(
                file, List.of(SafetensorsWriter.Entry.of("pixel_values", "F32", 1, 3, 16, 16)), Map.of())) {
            writer.write("pixel_values", new float[3 * 16 * 16]);
        }
        return file;
    }

    private static String ok(CommandLineRun run) {
        assertEquals(Failure.OK, run.exitCode(), run::err);
        return run.out();
    }

    private Path patchesAtNoPlace() throws IOException {
        Path file = directory.resolve("nowhere.safetensors");
        try (SafetensorsWriter writer = SafetensorsWriter.create(
                file,
                List.of(
                        SafetensorsWriter.Entry.of("pixel_values", "F32", 1, 9, 12),
                        SafetensorsWriter.Entry.of("image_position_ids", "I64", 1, 9, 2)),
                Map.of())) {
            writer.write("pixel_values", new float[9 * 12]);
            writer.write("image_position_ids", MemorySegment.ofArray(new byte[9 * 2 * Long.BYTES]));
        }
        return file;
    }

    private void assertRefused(String part, String... arguments) {
        CommandLineRun run = run(arguments);
        assertTrue(run.exitCode() == Failure.FAILED || run.exitCode() == Failure.USAGE, run::err);
        List<String> said =
                run.err().lines().filter(line -> line.startsWith("moetier: ")).toList();
        assertEquals(1, said.size(), run::err);
        assertTrue(said.getFirst().contains(part), run::err);
    }

    private static String picture(String name) {
        return golden(name).resolve("image.png").toString();
    }

    private CommandLineRun run(String... arguments) {
        return CommandLineRun.inProcess(directory.resolve("cache"), arguments);
    }
}
