package io.moetier.cli.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class FactLinesTest {
    private static final String CLEAR = "\r\u001b[K";

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private final Streams streams = new Streams(InputStream.nullInputStream(), out, new PrintWriter(err));

    @Test
    void eachLineIsThereAtOnceWithItsValueInOneColumn() {
        try (FactLines lines = new FactLines(streams, true, false)) {
            lines.measuring("memory");
            lines.row("memory", "24 GiB");
            assertEquals("memory                    24 GiB\n", out.toString());
            lines.row("an expert beside weights", "2 µs");
            assertEquals("memory                    24 GiB\nan expert beside weights  2 µs\n", out.toString());
        }
        assertEquals("", err.toString());
    }

    @Test
    void aTerminalShowsWhatIsMeasuredUntilItIsKnown() {
        try (FactLines lines = new FactLines(streams, true, true)) {
            lines.measuring("memory");
            lines.row("memory", "24 GiB");
            lines.measuring("the disk");
        }
        assertEquals(CLEAR + "measuring memory ..." + CLEAR + CLEAR + "measuring the disk ..." + CLEAR, err.toString());
    }

    @Test
    void factsThatAreToldAnotherWayAreNoLines() {
        try (FactLines lines = new FactLines(streams, false, true)) {
            lines.measuring("memory");
            lines.row("memory", "24 GiB");
        }
        assertEquals("", out.toString());
    }
}
