package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.text.TokenStream;
import io.moetier.runtime.text.Tokenizer;
import io.moetier.testdata.TestData;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class TextStreamTest {
    private static final String TEXT = "The king said: \"No.\" Then he went home.";

    private static Tokenizer tokenizer;

    @BeforeAll
    static void open() {
        tokenizer = Tokenizer.open(
                TestData.tinyMixtral().resolve("tokenizer.json"), Optional.empty(), Path.of("target", "native"));
    }

    @AfterAll
    static void close() {
        tokenizer.close();
    }

    @Test
    void withoutStopsAllTextComesThrough() {
        assertEquals(TEXT, stream(List.of()));
    }

    @Test
    void theAnswerEndsBeforeTheFirstStop() {
        assertEquals("The king said: \"No.", stream(List.of("home", "\" Then")));
    }

    @Test
    void aBeginningThatIsNoStopAfterAllIsGivenOut() {
        assertEquals(TEXT, stream(List.of("home. And", "\" Thenceforth")));
    }

    @Test
    void aStopSaysThatTheAnswerIsOver() {
        StringBuilder out = new StringBuilder();
        TextStream stream = new TextStream(TokenStream.of(tokenizer, true), List.of("king"), out::append);
        boolean goesOn = true;
        for (int token : tokenizer.encode(TEXT, false)) {
            goesOn = goesOn && stream.test(token);
        }
        assertFalse(goesOn);
        assertEquals("The ", out.toString());
    }

    @Test
    void anEmptyStopIsRefused() {
        String message = String.valueOf(assertThrows(
                        IllegalArgumentException.class,
                        () -> new TextStream(TokenStream.of(tokenizer, true), List.of(""), text -> {}))
                .getMessage());
        assertTrue(message.contains("empty"));
    }

    private static String stream(List<String> stops) {
        StringBuilder out = new StringBuilder();
        TextStream stream = new TextStream(TokenStream.of(tokenizer, true), stops, out::append);
        for (int token : tokenizer.encode(TEXT, false)) {
            if (!stream.test(token)) {
                return out.toString();
            }
        }
        stream.finish();
        return out.toString();
    }
}
