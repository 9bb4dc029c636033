package io.moetier.cli.report;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class TerminalChartTest {
    @Test
    void theLongestBarIsAsLongAsThereIsRoomFor() {
        String chart = new TerminalChart()
                .bar("all", 4, "4 ms")
                .bar("half", 2, "2 ms")
                .bar("hardly any", 0.0125, "0.0125 ms")
                .bar("none", 0, "0 ms")
                .toString();
        assertEquals(
                "all         " + "█".repeat(40) + " 4 ms\n" + "half        " + "█".repeat(20) + " 2 ms\n"
                        + "hardly any  ▏ 0.0125 ms\n" + "none         0 ms\n",
                chart);
    }

    @Test
    void nothingIsNoBar() {
        assertEquals("", new TerminalChart().toString());
        assertEquals("a   0\n", new TerminalChart().bar("a", 0, "0").toString());
    }
}
