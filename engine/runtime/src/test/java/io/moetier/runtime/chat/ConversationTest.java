package io.moetier.runtime.chat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.ImportedStores;
import io.moetier.runtime.session.SamplingParams;
import io.moetier.runtime.text.ChatMessage;
import io.moetier.runtime.text.ChatTemplate;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConversationTest {
    private static final String ALL = "{% for m in messages %}[{{ m.content }}] {% endfor %}";

    @TempDir
    static Path directory;

    private static LoadedModel model;

    @BeforeAll
    static void load() {
        Path store = ImportedStores.of(TestData.tinyMixtral());
        model = LoadedModel.open(store, store, directory, EngineConfig.DEFAULT.withThreads(1));
    }

    @AfterAll
    static void close() {
        model.close();
    }

    @Test
    void promptsThatAreNoChatDoNotInfluenceEachOther() {
        try (Conversation conversation = new Conversation(model, options(1), Optional.empty())) {
            List<Integer> first = ids(conversation, "Once upon a time");
            ids(conversation, "The horse");
            assertEquals(first, ids(conversation, "Once upon a time"));
        }
    }

    @Test
    void whatTheModelSuppressesIsInNoAnswer() throws IOException {
        Supplier<AnswerOptions> greedy = options(SamplingParams.GREEDY);
        int first;
        try (Conversation conversation = new Conversation(model, greedy, Optional.empty())) {
            first = ids(conversation, "Once").getFirst();
        }
        Path checkpoint = Files.createDirectory(directory.resolve("suppressing"));
        for (String file : List.of("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")) {
            Files.copy(TestData.tinyMixtral().resolve(file), checkpoint.resolve(file));
        }
        Files.writeString(
                checkpoint.resolve("generation_config.json"), "{\"suppress_tokens\": [-1, 9999999, " + first + "]}");
        Path store = ImportedStores.of(checkpoint);
        try (LoadedModel suppressing = LoadedModel.open(store, store, directory, EngineConfig.DEFAULT.withThreads(1));
                Conversation conversation = new Conversation(suppressing, greedy, Optional.empty())) {
            List<Integer> ids = ids(conversation, "Once");
            assertEquals(12, ids.size());
            assertTrue(!ids.contains(first), ids::toString);
        }
    }

    @Test
    void aChatRepeatsWhenItIsForgotten() throws IOException {
        try (Conversation chat = new Conversation(model, options(1), Optional.of(template()))) {
            List<Integer> first = ids(chat, "Once");
            List<Integer> second = ids(chat, "upon a time");
            chat.reset();
            assertEquals(first, ids(chat, "Once"));
            assertEquals(second, ids(chat, "upon a time"));
        }
    }

    /// Ids are no chat, also where the model has a template.
    @Test
    void idsAreContinuedAsATextIs() throws IOException {
        Supplier<AnswerOptions> open = () ->
                new AnswerOptions(SamplingParams.GREEDY, OptionalLong.empty(), OptionalInt.empty(), List.of(), true);
        try (Conversation chat = new Conversation(model, open, Optional.of(template()))) {
            int[] prompt = {1, 5, 9};
            assertEquals(
                    AnswerOptions.OPEN_ENDED,
                    chat.answer(prompt, piece -> {}, () -> false).ids().size());
        }
    }

    @Test
    void thePenaltyIsForTheTokensOfTheSessionAlone() throws IOException {
        Supplier<AnswerOptions> options = options(new SamplingParams(0, 0, 1, 0.05, 3, -1, 0));
        ChatTemplate template = template();
        try (Conversation chat = new Conversation(model, options, Optional.of(template));
                Conversation fresh = new Conversation(model, options, Optional.empty())) {
            ids(chat, "Once");
            List<Integer> second = ids(chat, "upon a time");
            String text = template.render(
                    List.of(new ChatMessage("user", "Once"), new ChatMessage("user", "upon a time")), true);
            Reply reply = fresh.answer(model.requireTokenizer().encode(text, false), piece -> {}, () -> false);
            assertEquals(reply.ids(), second);
        }
    }

    @Test
    void aPromptGivenUpBeforeItIsTokensAnswersNothingAndTheChatGoesOn() throws IOException {
        try (Conversation chat = new Conversation(model, options(1), Optional.of(template()))) {
            List<Integer> first = ids(chat, "Once");
            chat.reset();
            Thread.currentThread().interrupt();
            Reply reply = chat.answer("upon a time", piece -> {}, Thread.currentThread()::isInterrupted);
            assertTrue(Thread.interrupted());
            assertEquals(List.of(), reply.ids());
            assertEquals(0, chat.numTokens());
            assertEquals(first, ids(chat, "Once"));
        }
    }

    @Test
    void anAnswerIsReplacedByAnotherDraw() throws IOException {
        try (Conversation chat = new Conversation(model, options(1), Optional.of(template(ALL)))) {
            ids(chat, "Once");
            List<Integer> first = ids(chat, "upon a time");
            List<Integer> second = idsAgain(chat);
            Reply third = chat.answerAgain(piece -> {}, () -> false);
            assertEquals(3, Set.of(first, second, third.ids()).size());
            assertEquals(4, chat.transcript().messages().size());
            assertEquals(1, third.outcome().promptTokens());
            chat.reset();
            assertThrows(IllegalArgumentException.class, () -> idsAgain(chat));
        }
    }

    @Test
    void promptsThatAreNoChatAreAnsweredAgainToo() {
        try (Conversation conversation = new Conversation(model, options(1), Optional.empty())) {
            List<Integer> first = ids(conversation, "Once upon a time");
            assertNotEquals(first, idsAgain(conversation));
            assertEquals(first, ids(conversation, "Once upon a time"));
        }
    }

    @Test
    void aSystemMessageIsForTheNextAnswer() throws IOException {
        ChatTemplate template = template(ALL);
        try (Conversation chat = new Conversation(model, options(0), Optional.of(template));
                Conversation told = new Conversation(model, options(0), Optional.of(template))) {
            List<Integer> untold = ids(chat, "Once");
            chat.instruct("The horse.");
            told.instruct("The horse.");
            List<Integer> again = idsAgain(chat);
            assertEquals(ids(told, "Once"), again);
            assertNotEquals(untold, again);
            assertEquals(told.transcript(), chat.transcript());
            chat.reset();
            assertEquals("The horse.", chat.transcript().system().orElseThrow());
            chat.instruct("");
            assertEquals(untold, ids(chat, "Once"));
        }
    }

    @Test
    void aSystemMessageIsRefusedWhereThereIsNoPlaceForIt() throws IOException {
        assertEquals(
                "the chat template takes no system message: it leaves them out",
                refusalOfSystemMessage(Optional.of(template())));
        String raising = "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}";
        String refusal = refusalOfSystemMessage(Optional.of(template(raising)));
        assertTrue(refusal.startsWith("the chat template takes no system message: "), refusal);
        assertTrue(refusal.endsWith("no system role"), refusal);
        assertEquals(
                "without a chat template each prompt starts afresh: there is no conversation, nor a system message",
                refusalOfSystemMessage(Optional.empty()));
    }

    private static String refusalOfSystemMessage(Optional<ChatTemplate> template) {
        try (Conversation chat = new Conversation(model, options(0), template)) {
            IllegalArgumentException refusal =
                    assertThrows(IllegalArgumentException.class, () -> chat.instruct("Be brief."));
            assertTrue(chat.transcript().messages().isEmpty());
            return String.valueOf(refusal.getMessage());
        }
    }

    @Test
    void aTurnThatFailsIsNoPartOfTheConversation() throws IOException {
        try (Conversation chat = new Conversation(model, options(0), Optional.of(template(ALL)))) {
            ids(chat, "Once");
            Transcript said = chat.transcript();
            assertThrows(IllegalStateException.class, () -> chat.answer("upon", ConversationTest::fail, () -> false));
            assertEquals(said, chat.transcript());
            chat.answer("upon", piece -> {}, () -> true);
            assertEquals(said, chat.transcript());
            ids(chat, "upon");
            Transcript longer = chat.transcript();
            assertThrows(IllegalStateException.class, () -> chat.answerAgain(ConversationTest::fail, () -> false));
            assertEquals(longer, chat.transcript());
        }
    }

    @Test
    void whatCannotBeGoneOnFromChangesNothing() throws IOException {
        try (Conversation chat = new Conversation(model, options(0), Optional.of(template()))) {
            ids(chat, "Once");
            Transcript said = chat.transcript();
            Transcript instructed = said.withSystem("Be brief.");
            assertThrows(IllegalArgumentException.class, () -> chat.resume(instructed));
            Transcript tooLong =
                    said.with("user", "horse ".repeat(model.engine().contextLength()));
            RuntimeException refusal = assertThrows(RuntimeException.class, () -> chat.resume(tooLong));
            assertTrue(String.valueOf(refusal.getMessage())
                    .contains(" " + model.engine().contextLength()));
            assertEquals(said, chat.transcript());
        }
    }

    /// Leaves the answers out, as templates do with reasoning, so that the session goes back before the second turn.
    private static ChatTemplate template() throws IOException {
        return template("{% for m in messages %}{% if m.role == 'user' %}{{ m.content }} {% endif %}{% endfor %}");
    }

    private static ChatTemplate template(String text) throws IOException {
        Path model = Files.createTempDirectory(directory, "template");
        Files.writeString(model.resolve("chat_template.jinja"), text);
        return ChatTemplate.find(model, Clock.systemUTC()).orElseThrow();
    }

    private static Supplier<AnswerOptions> options(double temperature) {
        return options(new SamplingParams(temperature, 0, 1, 0.05, 1.5, 64, 0));
    }

    private static Supplier<AnswerOptions> options(SamplingParams sampling) {
        return () -> new AnswerOptions(sampling, OptionalLong.of(7), OptionalInt.of(12), List.of(), true);
    }

    private static List<Integer> ids(Conversation conversation, String text) {
        return conversation.answer(text, piece -> {}, () -> false).ids();
    }

    private static void fail(String piece) {
        throw new IllegalStateException("nobody listens to " + piece);
    }

    private static List<Integer> idsAgain(Conversation conversation) {
        return conversation.answerAgain(piece -> {}, () -> false).ids();
    }
}
