package io.moetier.cli.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.option.SamplingOptions;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.text.ChatTemplate;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class ReportedConversationTest {
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
    void aLoadedConversationGoesOnAsTheTypedOneDoes() throws IOException {
        ChatTemplate template = template(ALL);
        Path file = directory.resolve("chat.json");
        List<Integer> typed;
        List<Integer> again;
        try (ReportedConversation chat =
                new ReportedConversation(model, options(), OptionalDouble.empty(), Optional.of(template))) {
            chat.instruct("A story.");
            ids(chat, "Once");
            ids(chat, "upon");
            ChatFile.write(file, "/save", chat.transcript());
            typed = ids(chat, "a time");
            again = idsAgain(chat);
        }
        try (ReportedConversation chat =
                new ReportedConversation(model, options(), OptionalDouble.empty(), Optional.of(template))) {
            ids(chat, "Something else");
            chat.resume(ChatFile.read(file));
            assertEquals(typed, ids(chat, "a time"));
            assertEquals(again, idsAgain(chat));
        }
    }

    @Test
    void settingsAreForTheNextAnswer() throws IOException {
        SamplingOptions options = CommandLine.populateCommand(new SamplingOptions(), "--temp", "0", "--seed", "7");
        SamplingSettings settings = new SamplingSettings(options);
        settings.set("ignore-eos", "true");
        settings.set("predict", "5");
        try (ReportedConversation conversation =
                new ReportedConversation(model, options, OptionalDouble.empty(), Optional.empty())) {
            assertEquals(5, ids(conversation, "Once upon a time").size());
            settings.set("n", "7");
            settings.set("temp", "2");
            List<Integer> drawn = ids(conversation, "Once upon a time");
            assertEquals(7, drawn.size());
            settings.set("seed", "8");
            assertNotEquals(drawn, ids(conversation, "Once upon a time"));
            assertEquals(8, conversation.report().reply().seed());
        }
    }

    @Test
    void virtualTimeIsOfThePromptToo() {
        String[] command = {
            "run", TestData.tinyMixtral().toString(), "--ids", "1,5", "-n", "0", "--device", "simulated", "--json"
        };
        CommandLineRun run = CommandLineRun.inProcess(directory, command);
        assertEquals(0, run.exitCode(), run::err);
        assertTrue(run.out().contains("\"virtual_prompt_tokens_per_second\""), run.out());
    }

    private static ChatTemplate template(String text) throws IOException {
        Path files = Files.createTempDirectory(directory, "template");
        Files.writeString(files.resolve("chat_template.jinja"), text);
        return ChatTemplate.find(files, Clock.systemUTC()).orElseThrow();
    }

    private static SamplingOptions options() {
        return CommandLine.populateCommand(
                new SamplingOptions(), "-n", "12", "--temp", "1", "--seed", "7", "--ignore-eos");
    }

    private static List<Integer> ids(ReportedConversation conversation, String text) {
        conversation.answer(text, List.of(), piece -> {}, () -> false);
        return conversation.report().reply().ids();
    }

    private static List<Integer> idsAgain(ReportedConversation conversation) {
        conversation.answerAgain(piece -> {}, () -> false);
        return conversation.report().reply().ids();
    }
}
