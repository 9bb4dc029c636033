package io.moetier.cli.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class ProgressTest {
    private static final long SECOND = 1_000_000_000;
    private final StringWriter err = new StringWriter();
    private long now;

    @Test
    void printsALineForEveryTenthWhereThereIsNoTerminal() {
        try (Progress progress = progress(false)) {
            for (int done = 0; done <= 1024; done += 8) {
                now = done * SECOND / 64;
                progress.update(done, 1024);
            }
        }
        assertEquals(10, err.toString().lines().count());
        assertEquals(
                "import  10 % of 1.00 KiB, 64 B/s, 15 s left",
                err.toString().lines().findFirst().orElseThrow());
        assertTrue(err.toString().endsWith("import 100 % of 1.00 KiB, 64 B/s, 16.0 s\n"), err.toString());
    }

    @Test
    void aCopyOfLessThanASecondIsOneLine() {
        try (Progress progress = progress(false)) {
            for (int done = 0; done <= 1000; done++) {
                now = done * SECOND / 2000;
                progress.update(done, 1000);
            }
        }
        assertEquals("import 100 % of 1000 B, 1.95 KiB/s, 0.5 s\n", err.toString());
    }

    @Test
    void rewritesOneLineAtMostTenTimesASecondOnATerminal() {
        try (Progress progress = progress(true)) {
            for (int done = 0; done <= 1000; done++) {
                now = done * SECOND / 1000;
                progress.update(done, 1000);
            }
        }
        assertEquals(11, err.toString().chars().filter(c -> c == '\r').count());
        assertEquals(1, err.toString().chars().filter(c -> c == '\n').count());
        assertTrue(err.toString().contains("[############............] import  50 %"), err.toString());
    }

    @Test
    void aLineStaysInItsRowHoweverNarrowTheTerminalIs() {
        try (Progress progress = progress(true)) {
            progress.update(512, 1024);
        }
        assertTrue(err.toString().startsWith("\r\u001b[K\u001b[?7l[####"), err.toString());
        assertTrue(err.toString().endsWith("\u001b[?7h\n"), err.toString());
    }

    @Test
    void nothingToDoIsDone() {
        try (Progress progress = progress(true)) {
            progress.update(0, 0);
        }
        assertTrue(err.toString().contains("100 %"), err.toString());
    }

    private Progress progress(boolean terminal) {
        return new Progress(new PrintWriter(err), "import", terminal, () -> now);
    }
}
