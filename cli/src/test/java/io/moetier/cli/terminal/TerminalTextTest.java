package io.moetier.cli.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TerminalTextTest {
    @Test
    void whatATerminalWouldObeyIsShown() {
        assertEquals("\\x1b]0;title\\x07", TerminalText.escape("\u001b]0;title\u0007"));
        assertEquals("\\x00 \\x7f \\x9b2J \\r", TerminalText.escape("\u0000 \u007f \u009b2J \r"));
        assertEquals("\\u202eexe.\\u2066\\u2028", TerminalText.escape("\u202eexe.\u2066\u2028"));
    }

    @Test
    void everythingElseStaysAsItIs() {
        String text = "a line\n\twith ünï¢ode 日本 \ud83d\ude00\u00a0\u200d and \\x1b\n";
        assertSame(text, TerminalText.escape(text));
        assertSame(text, TerminalText.escapeAnswer(text));
    }

    @Test
    void ofALineTheFeedsAndTabsAreShownToo() {
        assertEquals("a\\nb\\tc\\r\\n", TerminalText.escapeLine("a\nb\tc\r\n"));
    }

    @Test
    void anAnswerMayChangeTheDirectionOfItsText() {
        assertEquals("\u2067\\x1b[2J\\r\u2069", TerminalText.escapeAnswer("\u2067\u001b[2J\r\u2069"));
    }

    @Test
    void aTextIsTheSameInPieces() {
        String text =
                IntStream.range(0, 0x3000).mapToObj(Character::toString).collect(Collectors.joining("\ud83d\ude00"));
        String pieces = text.chars()
                .mapToObj(letter -> TerminalText.escapeAnswer(String.valueOf((char) letter)))
                .collect(Collectors.joining());
        assertEquals(TerminalText.escapeAnswer(text), pieces);
    }
}
