package io.moetier.cli.report;

import io.moetier.cli.terminal.TerminalText;
import io.moetier.storage.format.Json;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;

/// A page with charts in one file, which needs no network: style, chart library, data and script are part of it
/// (docs/adr/0014-charts.md).
public final class HtmlReport {
    private static final String LIBRARY = "/META-INF/resources/webjars/uplot/1.6.30/dist/";

    private HtmlReport() {}

    /// Returns the page.
    ///
    /// @param body HTML that has the elements in which `report.js` draws
    /// @param data what it draws, as JSON in the element `data`
    public static String page(String title, String body, Map<String, ?> data) {
        return """
                <!doctype html>
                <html lang="en">
                <head>
                <meta charset="utf-8">
                <meta name="viewport" content="width=device-width, initial-scale=1">
                <title>%s</title>
                <link rel="icon" href="data:,">
                <style>%s%s</style>
                </head>
                <body>
                %s
                <script type="application/json" id="data">%s</script>
                <script>%s</script>
                <script>%s</script>
                </body>
                </html>
                """.formatted(
                        escape(title),
                        resource(LIBRARY + "uPlot.min.css"),
                        resource("report.css"),
                        body,
                        Json.write(data).replace("<", "\\u003c"), // else a text could end the element
                        resource(LIBRARY + "uPlot.iife.min.js"),
                        resource("report.js"));
    }

    /// Returns `text` as HTML that shows it, control characters included.
    public static String escape(String text) {
        return TerminalText.escape(text)
                .replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace("\"", "&quot;");
    }

    private static String resource(String name) {
        try (InputStream in = Objects.requireNonNull(HtmlReport.class.getResourceAsStream(name), name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
