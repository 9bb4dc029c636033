package io.moetier.runtime.text;

import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.Fuzzing;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/// Any chat template renders a conversation or is refused by name, in bounded time and memory.
public final class ChatTemplateFuzzTest {
    /// Jinjava and all that it needs.
    private static final String[] LIBRARIES = {
        "jinjava", "slf4j", "guava", "failureaccess", "re2j", "commons-lang3", "jackson", "immutables", "algebra"
    };

    private static final Path FILE = Path.of("chat_template.jinja");
    private static final Clock CLOCK = Clock.fixed(Instant.parse("2026-08-05T14:07:09Z"), ZoneOffset.UTC);
    private static final List<ChatMessage> CONVERSATION = List.of(
            new ChatMessage("system", "Answer briefly."),
            new ChatMessage("user", "Hello"),
            new ChatMessage("assistant", "<think>Hm</think>Hello!"),
            new ChatMessage("user", "How are you?"));

    @Test
    void noInputBreaksIt() throws IOException, InterruptedException {
        Fuzzing.checkWithDesktop(ChatTemplateFuzzTest.class, 1_000, LIBRARIES);
    }

    /// Renders a template of these bytes.
    public static void fuzzerTestOneInput(byte[] template) throws IOException {
        Fuzzing.write(FILE, template);
        try {
            ChatTemplate.find(Path.of(""), CLOCK).orElseThrow().render(CONVERSATION, true);
        } catch (MalformedModelException e) {
            Assertions.assertTrue(String.valueOf(e.getMessage()).startsWith(FILE + ": "), e::getMessage);
        }
    }
}
