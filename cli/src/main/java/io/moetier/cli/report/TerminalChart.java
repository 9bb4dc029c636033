package io.moetier.cli.report;

import java.util.LinkedHashMap;
import java.util.Map;

/// Bars of block elements, for people at a terminal.
public final class TerminalChart {
    private static final int WIDTH = 40;
    private static final String EIGHTHS = " ▏▎▍▌▋▊▉";

    private final Map<String, Double> values = new LinkedHashMap<>();
    private final Map<String, String> texts = new LinkedHashMap<>();

    /// Adds a bar.
    ///
    /// @param value its length, beside those of the others
    /// @param text what stands behind it
    public TerminalChart bar(String label, double value, String text) {
        values.put(label, value);
        texts.put(label, text);
        return this;
    }

    /// Returns a line for each bar, the longest as long as a line has room; nothing if there is none.
    @Override
    public String toString() {
        double most = values.values().stream().mapToDouble(value -> value).max().orElse(0);
        Table table = Table.ofFacts();
        values.forEach((label, value) -> table.row(label, bar(most == 0 ? 0 : value / most) + " " + texts.get(label)));
        return table.toString();
    }

    private static String bar(double share) {
        int eighths = (int) Math.round(share * WIDTH * EIGHTHS.length());
        int rest = eighths % EIGHTHS.length();
        return "█".repeat(eighths / EIGHTHS.length()) + (rest == 0 ? "" : EIGHTHS.charAt(rest));
    }
}
