package io.moetier.runtime.chat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.device.KvType;
import io.moetier.runtime.image.Picture;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.ImportedStores;
import io.moetier.runtime.session.SamplingParams;
import io.moetier.runtime.text.ChatMessage;
import io.moetier.storage.format.Json;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Pictures in prompts and chats. The tokenizer reads numbers as the ids that they are, and what stands around and for
/// pictures as each case has it.
class PictureConversationTest {
    private static final String CHAT = "qwen3_vl_moe";
    private static final int FIRST_WORD = 310; // ids before are numbers of texts

    /// What each case calls the ids from 310 on.
    private static final Map<String, List<String>> WORDS = Map.of(
            "gemma4_moe_image",
            List.of("<|image|>", "<|image>", "<image|>"),
            "internvl_qwen3_moe",
            List.of("<IMG_CONTEXT>", "<img>", "</img>"),
            "llama4_scout_image",
            List.of(
                    "<|image_start|>",
                    "<|image_end|>",
                    "<|tile_x_separator|>",
                    "<|tile_y_separator|>",
                    "<|image|>",
                    "<|patch|>"));

    private static final List<String> OF_QWEN = List.of(
            "<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>", "<|im_start|>", "<|im_end|>");

    /// How each case may mark a picture, beside our own way.
    private static final Map<String, List<String>> MARKS = Map.of(
            "gemma4_moe_image", List.of("<|image|>"),
            "internvl_qwen3_moe", List.of("<IMG_CONTEXT>"),
            "llama4_scout_image", List.of("<|image|>"));
    private static final int LENGTH = 12;

    @TempDir
    static Path directory;

    private static final Map<String, LoadedModel> MODELS = new HashMap<>();

    @AfterAll
    static void close() {
        MODELS.values().forEach(LoadedModel::close);
        MODELS.clear();
    }

    private static LoadedModel model(String name) {
        return MODELS.computeIfAbsent(name, PictureConversationTest::open);
    }

    private static LoadedModel open(String name) {
        try {
            Path checkpoint = Files.createDirectory(directory.resolve(name));
            for (String from : List.of(name, CHAT)) {
                for (String file : List.of(
                        "config.json",
                        "model.safetensors",
                        "preprocessor_config.json",
                        "tokenizer.json",
                        "tokenizer_config.json",
                        "chat_template.jinja")) {
                    Path source = TestData.golden(from).resolve(file);
                    if (Files.exists(source) && Files.notExists(checkpoint.resolve(file))) {
                        Files.copy(source, checkpoint.resolve(file));
                    }
                }
            }
            if (name.startsWith("gemma4")) {
                joinProcessors(checkpoint);
            }
            Path tokenizer = checkpoint.resolve("tokenizer.json");
            Files.writeString(tokenizer, withWords(Files.readString(tokenizer), WORDS.getOrDefault(name, List.of())));
            Path store = ImportedStores.of(checkpoint);
            return LoadedModel.open(
                    store, store, directory, EngineConfig.DEFAULT.withThreads(2).withKv(KvType.F32));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Describes how pictures are read as Gemma 4 does, and whatever transformers 5 has written.
    private static void joinProcessors(Path checkpoint) throws IOException {
        Path alone = checkpoint.resolve("preprocessor_config.json");
        Files.writeString(
                checkpoint.resolve("processor_config.json"),
                "{\"image_processor\": " + Files.readString(alone) + ", \"processor_class\": \"Gemma4Processor\"}");
        Files.delete(alone);
    }

    private static String withWords(String tokenizer, List<String> words) {
        String altered = tokenizer;
        for (int i = 0; i < words.size(); i++) {
            altered = altered.replace(OF_QWEN.get(i), words.get(i));
        }
        return altered;
    }

    private static Picture picture(String name) {
        return Picture.read(TestData.golden(name).resolve("image.png"));
    }

    /// Returns another picture of the same size.
    private static Picture noise() {
        byte[] rgb = new byte[3 * 97 * 61];
        new Random(2).nextBytes(rgb);
        return Picture.of("noise", 97, 61, rgb);
    }

    private static List<Integer> ints(String name, String key) {
        return Json.readObject(TestData.golden(name).resolve("reference.json"))
                .optionalInts(key)
                .orElseThrow();
    }

    private static String text(List<Integer> ids) {
        return ids.stream().map(String::valueOf).collect(Collectors.joining(" "));
    }

    /// A text with its picture becomes the reference's very tokens, however its mark is written.
    @ParameterizedTest
    @FieldSource("io.moetier.testdata.TestData#GOLDEN_IMAGE_CASES")
    void answersAreTheReferences(String name) {
        List<Integer> ids = ints(name, "input_ids");
        int first = 0;
        while (ids.get(first) < FIRST_WORD) {
            first++;
        }
        int end = ids.size();
        while (ids.get(end - 1) < FIRST_WORD) {
            end--;
        }
        String before = text(ids.subList(0, first));
        String behind = text(ids.subList(end, ids.size()));
        List<String> marks = new ArrayList<>(
                MARKS.getOrDefault(name, List.of("<|vision_start|><|image_pad|><|vision_end|>", "<|image_pad|>")));
        marks.add("<image>");
        for (String mark : marks) {
            try (Conversation conversation = conversation(name, false)) {
                Reply reply = answer(conversation, before + mark + behind, picture(name));
                assertEquals(ids.size(), reply.promptLength());
                assertEquals(ints(name, "greedy_ids").subList(0, LENGTH), reply.ids());
            }
        }
    }

    @Test
    void picturesStandBeforeATextWithoutMarks() {
        assertEquals(ids(CHAT, "<image>1 2 3", false, picture(CHAT)), ids(CHAT, "1 2 3", false, picture(CHAT)));
        assertNotEquals(ids(CHAT, "1 2 3", false), ids(CHAT, "1 2 3", false, picture(CHAT)));
        assertEquals(
                ids(CHAT, "<image><image>1 2 3", true, picture(CHAT), noise()),
                ids(CHAT, "1 2 3", true, picture(CHAT), noise()));
        assertNotEquals(
                ids(CHAT, "1 2 3", true, noise(), picture(CHAT)), ids(CHAT, "1 2 3", true, picture(CHAT), noise()));
    }

    @Test
    void marksAndPicturesHaveToBeAsMany() {
        try (Conversation chat = conversation(CHAT, true)) {
            assertRefused(
                    "the message has 1 times <image>, which stands for a picture, but shows 2",
                    () -> answer(chat, "<image>1", noise(), noise()));
            assertRefused(
                    "the message has 2 times <image>, which stands for a picture, but shows 1",
                    () -> answer(chat, "<|image_pad|>1<|image_pad|>", noise()));
            assertRefused("no image is shown for", () -> answer(chat, "1 <|image_pad|>"));
            answer(chat, "1 <image>"); // no mark where nothing is shown
            answer(chat, "1", noise());
            assertEquals(4, chat.transcript().messages().size());
        }
    }

    @Test
    void whatReadsNoImagesSaysSo() {
        Path store = ImportedStores.of(TestData.tinyMixtral());
        try (LoadedModel blind = LoadedModel.open(store, store, directory, EngineConfig.DEFAULT.withThreads(1));
                Conversation conversation =
                        new Conversation(blind, PictureConversationTest::options, Optional.empty())) {
            assertRefused("mixtral reads no images", () -> answer(conversation, "Once", noise()));
        }
    }

    /// Each turn of a chat is what the whole chat would be if it were read at once.
    @ParameterizedTest
    @ValueSource(strings = {CHAT, "qwen3_5_moe_image"})
    void turnsAddUp(String name) {
        try (Conversation chat = conversation(name, true)) {
            answer(chat, "1 2", picture(name));
            answer(chat, "3");
            answer(chat, "4 <image> 5", noise());
            Transcript said = chat.transcript();
            List<Integer> last = answer(chat, "6").ids();
            assertEquals(last, again(chat)); // greedy
            assertEquals(List.of("<image>1 2", "3", "4 <image> 5", "6"), prompts(chat));
            try (Conversation other = conversation(name, true)) {
                other.resume(said);
                assertEquals(last, answer(other, "6").ids());
                assertEquals(last, again(other));
            }
        }
    }

    private static List<String> prompts(Conversation chat) {
        return chat.transcript().messages().stream()
                .filter(message -> message.role().equals(Transcript.USER))
                .map(ChatMessage::content)
                .toList();
    }

    /// Equal tokens are not the same prompt if they show something else: nothing that was computed for it may stay.
    @ParameterizedTest
    @FieldSource("io.moetier.testdata.TestData#GOLDEN_IMAGE_CASES")
    void nothingIsKeptOfAnotherPicture(String name) {
        List<Integer> ofNoise = ids(name, "1 2 <image> 3 4", false, noise());
        List<Integer> ofPicture = ids(name, "1 2 <image> 3 4", false, picture(name));
        assertNotEquals(ofNoise, ofPicture);
        try (Conversation conversation = conversation(name, false)) {
            for (int i = 0; i < 2; i++) {
                assertEquals(
                        ofNoise,
                        answer(conversation, "1 2 <image> 3 4", noise()).ids());
                assertEquals(
                        ofPicture,
                        answer(conversation, "1 2 <image> 3 4", picture(name)).ids());
            }
        }
    }

    /// The same picture, read from its file again, is not computed again.
    @Test
    void whatShowsTheSameIsKept() {
        try (Conversation conversation = conversation(CHAT, false)) {
            Reply first = answer(conversation, "1 2 <image> 3 4", picture(CHAT));
            Reply again = answer(conversation, "1 2 <image> 3 4", picture(CHAT));
            assertEquals(first.promptLength(), first.outcome().promptTokens());
            assertEquals(1, again.outcome().promptTokens());
            assertEquals(first.ids(), again.ids());
            Reply other = answer(conversation, "1 2 <image> 3 4", noise());
            assertEquals(3, first.promptLength() - other.outcome().promptTokens()); // all before the first image token
        }
    }

    @Test
    void noPartOfAPictureIsKept() {
        List<Integer> alone = ids(CHAT, "1 <image>", false, picture(CHAT));
        try (Conversation conversation = conversation(CHAT, false)) {
            answer(conversation, "1 <image> 5", picture(CHAT));
            assertEquals(alone, answer(conversation, "1 <image>", picture(CHAT)).ids());
        }
    }

    @Test
    void whatWasGivenUpShowsNothingLater() {
        List<Integer> blind = ids(CHAT, "1 2 3 4 5 6 7 8 9", false);
        for (int after = 0; after < 12; after++) {
            int[] left = {after};
            try (Conversation conversation = conversation(CHAT, false)) {
                conversation.answer("1 2 <image> 3", List.of(noise()), piece -> {}, () -> left[0]-- <= 0);
                assertEquals(blind, answer(conversation, "1 2 3 4 5 6 7 8 9").ids());
            }
        }
    }

    private static void assertRefused(String part, Runnable answer) {
        String message = String.valueOf(
                assertThrows(IllegalArgumentException.class, answer::run).getMessage());
        assertTrue(message.contains(part), message);
    }

    private static List<Integer> ids(String name, String text, boolean chat, Picture... pictures) {
        try (Conversation conversation = conversation(name, chat)) {
            return answer(conversation, text, pictures).ids();
        }
    }

    private static Reply answer(Conversation conversation, String text, Picture... pictures) {
        return conversation.answer(text, List.of(pictures), piece -> {}, () -> false);
    }

    private static List<Integer> again(Conversation chat) {
        return chat.answerAgain(piece -> {}, () -> false).ids();
    }

    private static Conversation conversation(String name, boolean chat) {
        LoadedModel model = model(name);
        return new Conversation(
                model, PictureConversationTest::options, chat ? model.chatTemplate() : Optional.empty());
    }

    private static AnswerOptions options() {
        return new AnswerOptions(SamplingParams.GREEDY, OptionalLong.of(7), OptionalInt.of(LENGTH), List.of(), true);
    }
}
