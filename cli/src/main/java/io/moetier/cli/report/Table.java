package io.moetier.cli.report;

import io.moetier.cli.terminal.TerminalText;
import java.util.ArrayList;
import java.util.List;
import org.jline.utils.WCWidth;

/// Rows of text with aligned columns: of figures, the first to the left and the others to the right; of facts, all to
/// the left.
public final class Table {
    private static final String GAP = "  ";

    private final boolean figures;
    private final List<String[]> rows = new ArrayList<>();

    private Table(boolean figures) {
        this.figures = figures;
    }

    /// Returns an empty table of figures.
    public static Table ofFigures() {
        return new Table(true);
    }

    /// Returns an empty table of facts.
    public static Table ofFacts() {
        return new Table(false);
    }

    /// Adds a row; rows may differ in length.
    public Table row(Object... cells) {
        String[] texts = new String[cells.length];
        for (int i = 0; i < cells.length; i++) {
            texts[i] = TerminalText.escapeLine(String.valueOf(cells[i]));
        }
        rows.add(texts);
        return this;
    }

    /// Returns the lines, each ended by a line feed and free of trailing blanks.
    @Override
    public String toString() {
        int[] widths = widths();
        StringBuilder text = new StringBuilder();
        for (String[] row : rows) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < row.length; i++) {
                String blanks = " ".repeat(widths[i] - width(row[i]));
                line.append(i == 0 ? "" : GAP);
                line.append(i > 0 && figures ? blanks + row[i] : row[i] + blanks);
            }
            text.append(line.toString().stripTrailing()).append('\n');
        }
        return text.toString();
    }

    /// Returns the table as HTML; the first row of a table of figures is its head.
    String html() {
        StringBuilder html = new StringBuilder("<table>\n");
        for (int r = 0; r < rows.size(); r++) {
            String[] row = rows.get(r);
            String tag = figures && r == 0 ? "th" : "td";
            html.append("<tr>");
            for (String cell : row) {
                html.append('<').append(tag).append('>').append(HtmlReport.escape(cell));
                html.append("</").append(tag).append('>');
            }
            html.append("</tr>\n");
        }
        return html.append("</table>").toString();
    }

    private int[] widths() {
        int[] widths = new int[rows.stream().mapToInt(row -> row.length).max().orElse(0)];
        for (String[] row : rows) {
            for (int i = 0; i < row.length; i++) {
                widths[i] = Math.max(widths[i], width(row[i]));
            }
        }
        return widths;
    }

    private static int width(String text) {
        return text.codePoints()
                .map(WCWidth::wcwidth)
                .map(cells -> Math.max(0, cells))
                .sum();
    }
}
