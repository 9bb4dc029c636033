package io.moetier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/// Images as an embedder shows them.
class ImageTest {
    private static final Path FILE = TestData.golden("qwen3_vl_moe").resolve("image.png");
    private static final AnswerSettings GREEDY =
            AnswerSettings.DEFAULT.withSampling(Sampling.GREEDY).withMaxTokens(6);

    @TempDir
    static Path directory = Path.of("");

    private static Model model;

    @BeforeAll
    static void open() {
        model = open(TestData.golden("qwen3_vl_moe"));
    }

    private static Model open(Path path) {
        return Model.open(
                path, ModelOptions.DEFAULT.withCache(directory.resolve("cache")).withThreads(1));
    }

    @AfterAll
    static void close() {
        model.close();
    }

    @Test
    void chatsAndTextsShowImages() throws IOException {
        Image image = Image.read(FILE);
        assertEquals(image, Image.of(Files.readAllBytes(FILE), "the same"));
        assertEquals(97, image.width());
        assertEquals(61, image.height());
        try (Chat chat = model.chat(GREEDY);
                Chat resumed = model.chat(GREEDY)) {
            chat.say("1 2", List.of(image), _ -> {});
            List<Message> said = chat.messages();
            assertEquals(new Message("user", "<image>1 2", List.of(image)), said.getFirst());
            assertEquals(List.of(), said.getLast().images());
            assertEquals(chat.say("3").tokenIds(), resumed.resume(said).say("3").tokenIds());
        }
        try (Completion completion = model.completion(GREEDY)) {
            Answer before = completion.complete("1 2", List.of(image), _ -> {});
            Answer marked = completion.complete(Image.MARK + "1 2", List.of(image), _ -> {});
            assertEquals(before.tokenIds(), marked.tokenIds());
            assertEquals(1, marked.report().promptTokens(), "the others were computed before");
        }
    }

    @Test
    void whatCannotBeShownIsNamed() throws IOException {
        Path text = Files.writeString(directory.resolve("text.png"), "no picture");
        assertThrows(MoetierException.InputOutput.class, () -> Image.read(text));
        Path none = directory.resolve("none.png");
        assertEquals(
                none + ": no such file or directory",
                assertThrows(MoetierException.InputOutput.class, () -> Image.read(none))
                        .getMessage());
        assertEquals(
                directory + ": Is a directory",
                assertThrows(MoetierException.InputOutput.class, () -> Image.read(directory))
                        .getMessage());
        List<Image> images = List.of(Image.read(FILE));
        assertNotPossible("2 times <image>", () -> new Message("user", "<image><image>", images));
        try (Chat chat = model.chat(GREEDY)) {
            assertNotPossible("2 times <image>", () -> chat.say("<image><image>", images, _ -> {}));
        }
        try (Model blind = open(TestData.tinyMixtral());
                Completion completion = blind.completion(GREEDY)) {
            assertNotPossible("mixtral reads no images", () -> completion.complete("Once", images, _ -> {}));
        }
    }

    private static void assertNotPossible(String part, Executable work) {
        String message = String.valueOf(
                assertThrows(MoetierException.NotPossible.class, work).getMessage());
        assertTrue(message.contains(part), message);
    }
}
