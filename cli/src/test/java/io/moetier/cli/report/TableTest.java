package io.moetier.cli.report;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class TableTest {
    @Test
    void alignsTheFirstColumnLeftAndTheOthersRight() {
        Table table = Table.ofFigures()
                .row("tier", "hits", "bytes")
                .row("host", 12, "1.00 MiB")
                .row("disk", 3456, "0 B");
        assertEquals("""
                tier  hits     bytes
                host    12  1.00 MiB
                disk  3456       0 B
                """, table.toString());
    }

    @Test
    void alignsFactsLeft() {
        Table table = Table.ofFacts().row("family", "mixtral").row("layers", 8);
        assertEquals("family  mixtral\nlayers  8\n", table.toString());
    }

    @Test
    void controlCharactersOfACellAreShownAndCountedAsShown() {
        assertEquals(
                "name  \\x1b[2J\\n\\u202e  end\nlong  " + "x".repeat(15) + "  y\n",
                Table.ofFacts()
                        .row("name", "\u001b[2J\n\u202e", "end")
                        .row("long", "x".repeat(15), "y")
                        .toString());
    }

    @Test
    void wideCharactersTakeTwoColumnsAndCombiningOnesNone() {
        assertEquals(
                "模型   1\ne\u0301      2\nmodel  3\n",
                Table.ofFacts().row("模型", 1).row("e\u0301", 2).row("model", 3).toString());
    }

    @Test
    void takesRowsOfAnyLength() {
        assertEquals(
                "a\n\nb  c\n", Table.ofFigures().row("a").row().row("b", "c").toString());
        assertEquals("", Table.ofFigures().toString());
    }
}
