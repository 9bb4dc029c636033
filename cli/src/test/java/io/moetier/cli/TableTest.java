package io.moetier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class TableTest {
    @Test
    void alignsTheFirstColumnLeftAndTheOthersRight() {
        Table table = new Table()
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
    void takesRowsOfAnyLength() {
        assertEquals("a\n\nb  c\n", new Table().row("a").row().row("b", "c").toString());
        assertEquals("", new Table().toString());
    }
}
