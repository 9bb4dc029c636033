package io.moetier.cli.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.models.LoadedModel;
import io.moetier.cli.option.SamplingOptions;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.text.ChatMessage;
import io.moetier.runtime.text.ChatTemplate;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class ConversationTest {
    private static final String ALL = "{% for m in messages %}[{{ m.content }}] {% endfor %}";

    @TempDir
    static Path directory;

    private static LoadedModel model;

    @BeforeAll
    static void load() {
        Path store = directory.resolve("tiny.mtier");
        CommandLineRun imported = CommandLineRun.inProcess(
                directory, "import", TestData.tinyMixtral().toString(), "--out", store.toString());
        assertEquals(0, imported.exitCode(), imported::err);
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
    void aChatRepeatsWhenItIsForgotten() throws IOException {
        try (Conversation chat = new Conversation(model, options(1), Optional.of(template()))) {
            List<Integer> first = ids(chat, "Once");
            List<Integer> second = ids(chat, "upon a time");
            chat.reset();
            assertEquals(first, ids(chat, "Once"));
            assertEquals(second, ids(chat, "upon a time"));
        }
    }

    @Test
    void thePenaltyIsForTheTokensOfTheSessionAlone() throws IOException {
        SamplingOptions options = options(0);
        options.repeatPenalty = 3;
        options.repeatLastN = -1;
        ChatTemplate template = template();
        try (Conversation chat = new Conversation(model, options, Optional.of(template));
                Conversation fresh = new Conversation(model, options, Optional.empty())) {
            ids(chat, "Once");
            List<Integer> second = ids(chat, "upon a time");
            String text = template.render(
                    List.of(new ChatMessage("user", "Once"), new ChatMessage("user", "upon a time")), true);
            fresh.answer(model.requireTokenizer().encode(text, false), piece -> {}, () -> false);
            assertEquals(fresh.report().ids(), second);
        }
    }

    @Test
    void aPromptGivenUpBeforeItIsTokensAnswersNothingAndTheChatGoesOn() throws IOException {
        try (Conversation chat = new Conversation(model, options(1), Optional.of(template()))) {
            List<Integer> first = ids(chat, "Once");
            chat.reset();
            Thread.currentThread().interrupt();
            chat.answer("upon a time", piece -> {}, Thread.currentThread()::isInterrupted);
            assertTrue(Thread.interrupted());
            assertEquals(List.of(), chat.report().ids());
            assertEquals(0, chat.numTokens());
            assertEquals(first, ids(chat, "Once"));
        }
    }

    @Test
    void aLoadedConversationGoesOnAsTheTypedOneDoes() throws IOException {
        ChatTemplate template = template(ALL);
        Path file = directory.resolve("chat.json");
        List<Integer> typed;
        List<Integer> again;
        try (Conversation chat = new Conversation(model, options(1), Optional.of(template))) {
            chat.instruct("A story.");
            ids(chat, "Once");
            ids(chat, "upon");
            ChatFile.write(file, "/save", chat.transcript());
            typed = ids(chat, "a time");
            again = idsAgain(chat);
        }
        try (Conversation chat = new Conversation(model, options(1), Optional.of(template))) {
            ids(chat, "Something else");
            chat.resume(ChatFile.read(file));
            assertEquals(typed, ids(chat, "a time"));
            assertEquals(again, idsAgain(chat));
        }
    }

    @Test
    void anAnswerIsReplacedByAnotherDraw() throws IOException {
        try (Conversation chat = new Conversation(model, options(1), Optional.of(template(ALL)))) {
            ids(chat, "Once");
            List<Integer> first = ids(chat, "upon a time");
            List<Integer> second = idsAgain(chat);
            List<Integer> third = idsAgain(chat);
            assertEquals(3, Set.of(first, second, third).size());
            assertEquals(4, chat.transcript().messages().size());
            assertEquals(1, chat.report().outcome().promptTokens());
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
            assertEquals(ids(told, "Once"), idsAgain(chat));
            assertNotEquals(untold, chat.report().ids());
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

    @Test
    void settingsAreForTheNextAnswer() throws IOException {
        SamplingOptions options = CommandLine.populateCommand(new SamplingOptions(), "--temp", "0", "--seed", "7");
        SamplingSettings settings = new SamplingSettings(options);
        settings.set("ignore-eos", "true");
        settings.set("predict", "5");
        try (Conversation conversation = new Conversation(model, options, Optional.empty())) {
            assertEquals(5, ids(conversation, "Once upon a time").size());
            settings.set("n", "7");
            settings.set("temp", "2");
            List<Integer> drawn = ids(conversation, "Once upon a time");
            assertEquals(7, drawn.size());
            settings.set("seed", "8");
            assertNotEquals(drawn, ids(conversation, "Once upon a time"));
            assertEquals(8, conversation.report().seed());
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

    private static SamplingOptions options(double temperature) {
        SamplingOptions options = new SamplingOptions();
        options.predict = 12;
        options.temperature = temperature;
        options.topK = 0;
        options.topP = 1;
        options.repeatPenalty = 1.5;
        options.repeatLastN = 64;
        options.seed = 7;
        options.ignoreEos = true;
        return options;
    }

    private static List<Integer> ids(Conversation conversation, String text) {
        conversation.answer(text, piece -> {}, () -> false);
        return conversation.report().ids();
    }

    private static void fail(String piece) {
        throw new IllegalStateException("nobody listens to " + piece);
    }

    private static List<Integer> idsAgain(Conversation conversation) {
        conversation.answerAgain(piece -> {}, () -> false);
        return conversation.report().ids();
    }
}
