package io.moetier.cli.report;

import java.util.List;

/// What a page shows, from top to bottom.
public final class HtmlBody {
    private final StringBuilder html = new StringBuilder();

    public HtmlBody(String title) {
        html.append("<h1>").append(HtmlReport.escape(title)).append("</h1>\n");
    }

    public HtmlBody paragraph(String text) {
        html.append("<p>").append(HtmlReport.escape(text)).append("</p>\n");
        return this;
    }

    /// Adds an empty element `id` in which the script draws.
    public HtmlBody chart(String id, String title, String text) {
        heading(title).paragraph(text);
        html.append("<div class=\"chart\" id=\"").append(id).append("\"></div>\n");
        return this;
    }

    public HtmlBody table(String title, Table table) {
        return table(title, List.of(), table);
    }

    public HtmlBody table(String title, List<String> paragraphs, Table table) {
        heading(title);
        paragraphs.forEach(this::paragraph);
        html.append("<div class=\"chart\">").append(table.html()).append("</div>\n");
        return this;
    }

    private HtmlBody heading(String title) {
        html.append("<h2>").append(HtmlReport.escape(title)).append("</h2>\n");
        return this;
    }

    @Override
    public String toString() {
        return html.toString();
    }
}
