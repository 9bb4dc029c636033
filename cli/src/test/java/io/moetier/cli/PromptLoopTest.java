package io.moetier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jline.terminal.Terminal;
import org.jline.terminal.impl.DumbTerminal;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(20)
class PromptLoopTest {
    private final List<String> asked = new ArrayList<>();
    private final ByteArrayOutputStream screen = new ByteArrayOutputStream();

    @TempDir
    Path directory = Path.of("");

    private @Nullable Terminal terminal;
    private int resets;
    private boolean stats;

    @Test
    void asksLineByLineUntilTheInputEnds() throws IOException {
        type("one\n\n  \ntwo words\n");
        assertEquals(List.of("one", "two words"), asked);
        assertTrue(screen().contains("answer to two words"), screen());
    }

    @Test
    void leavesWhenTold() throws IOException {
        type("one\n/bye\ntwo\n");
        assertEquals(List.of("one"), asked);
    }

    @Test
    void aBackslashGoesOnInTheNextLine() throws IOException {
        type("one\\\ntwo\\\nthree\nfour\n");
        assertEquals(List.of("one\ntwo\nthree", "four"), asked);
    }

    @Test
    void threeQuotesHoldSeveralLines() throws IOException {
        type("\"\"\"one\n\n/bye\"\"\"\n\"\"\"\ntwo\n\"\"\"\n\"\"\"three\"\"\"\n");
        assertEquals(List.of("one\n\n/bye", "two", "three"), asked);
    }

    @Test
    void proseIsLeftAsItIs() throws IOException {
        String prose = "Don't \"quote\" !important c:\\temp $HOME 'open";
        type(prose + "\n");
        assertEquals(List.of(prose), asked);
    }

    @Test
    void commandsAreNotAsked() throws IOException {
        type("/help\n/stats\n/clear\n/clea\n/etc/hosts\n");
        assertEquals(List.of("/etc/hosts"), asked);
        assertEquals(1, resets);
        assertTrue(screen().contains("Ctrl-C     stops the answer"), screen());
        assertTrue(screen().contains("7 tokens/s"), screen());
        assertTrue(screen().contains("no such command: /clea"), screen());
    }

    @Test
    void interruptStopsTheAnswerAndNotTheLoop() throws IOException {
        type("interrupt\nagain\n");
        assertEquals(List.of("interrupt", "again"), asked);
        assertTrue(screen().contains("cancelled"), screen());
        assertTrue(screen().contains("answer to again"), screen());
    }

    @Test
    void aFailureIsSaidAndTheLoopGoesOn() throws IOException {
        type("fail\nagain\n");
        assertTrue(screen().contains("moetier: the context is full"), screen());
        assertTrue(screen().contains("answer to again"), screen());
    }

    @Test
    void anAnswerWithoutMemoryIsSaidAndTheLoopGoesOn() throws IOException {
        type("too much\nagain\n");
        assertTrue(screen().contains("moetier: out of memory"), screen());
        assertTrue(screen().contains("answer to again"), screen());
    }

    @Test
    void figuresFollowEveryAnswerAndNoFailure() throws IOException {
        type("one\nfail\ntwo\n");
        assertEquals(3, screen().split("figures in a line", -1).length);
        stats = true;
        type("three\n");
        assertEquals(2, screen().split("7 tokens/s", -1).length);
    }

    @Test
    void controlCharactersOfAnswersAndFailuresAreShown() throws IOException {
        type("clear\nfail with\n");
        assertTrue(screen().contains("\\x1b]0;title\\x07\\x9b2J\n\ttwo"), screen());
        assertTrue(screen().contains("moetier: the template says \\x1b[2J"), screen());
        assertEquals(-1, screen().indexOf("\u001b"));
    }

    @Test
    void remembersWhatWasTyped() throws IOException {
        type("one\ntwo\n");
        assertEquals(2, Files.readAllLines(directory.resolve("state/history")).size());
    }

    private void type(String text) throws IOException {
        try (Terminal dumb = new DumbTerminal(
                "test",
                "dumb",
                new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)),
                screen,
                StandardCharsets.UTF_8)) {
            terminal = dumb;
            new PromptLoop(dumb, directory.resolve("state/history"), new Echo(), stats).run();
        }
    }

    private String screen() {
        return screen.toString(StandardCharsets.UTF_8);
    }

    private final class Echo implements Answerer {
        @Override
        public void answer(String userText, Consumer<String> out, BooleanSupplier cancelled) {
            asked.add(userText);
            if (userText.equals("fail")) {
                throw new IllegalArgumentException("the context is full");
            }
            if (userText.equals("fail with")) {
                throw new IllegalArgumentException("the template says \u001b[2J");
            }
            if (userText.equals("clear")) {
                out.accept("\u001b]0;title\u0007\u009b2J\n\ttwo");
            }
            if (userText.equals("too much")) {
                throw new OutOfMemoryError("Java heap space");
            }
            if (userText.equals("interrupt") && terminal != null) {
                terminal.raise(Terminal.Signal.INT);
            }
            out.accept(cancelled.getAsBoolean() ? "cancelled" : "answer to " + userText);
        }

        @Override
        public void reset() {
            resets++;
        }

        @Override
        public String line() {
            return "figures in a line";
        }

        @Override
        public String stats() {
            return "7 tokens/s";
        }
    }
}
