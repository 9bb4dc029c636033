package io.moetier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.engine.session.EngineConfig;
import io.moetier.engine.text.ChatMessage;
import io.moetier.engine.text.ChatTemplate;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConversationTest {
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

    /// Leaves the answers out, as templates do with reasoning, so that the session goes back before the second turn.
    private static ChatTemplate template() throws IOException {
        Path model = Files.createDirectories(directory.resolve("template"));
        Files.writeString(
                model.resolve("chat_template.jinja"),
                "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }} {% endif %}{% endfor %}");
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
}
