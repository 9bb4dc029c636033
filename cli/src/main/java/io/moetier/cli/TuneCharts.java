package io.moetier.cli;

import io.moetier.engine.offload.CostModel;
import io.moetier.engine.offload.MachineProfile;
import io.moetier.engine.trace.TraceHeader;
import io.moetier.tools.simulate.Contender;
import io.moetier.tools.simulate.TraceCounts;
import io.moetier.tools.simulate.Tuning;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The report of `tune` as a page with charts.
///
/// @param counts of the same trace
record TuneCharts(TuneReport report, TraceCounts counts) {
    private static final String SCRIPT = "tune.js";

    /// Returns the page.
    String page() {
        TraceHeader header = report.header();
        String title = "Expert cache of " + header.model();
        StringBuilder body = new StringBuilder("<h1>" + HtmlReport.escape(title) + "</h1>\n");
        paragraph(body, report.subject());
        report.notes().forEach(note -> paragraph(body, note));
        report.recommendation().ifPresent(sentence -> paragraph(body, sentence));
        chart(body, "hits", "Hit rate by budget", "Dashed: the optimum, which knows the future.");
        if (report.question().slotBytesKnown()) {
            chart(
                    body,
                    "speeds",
                    "Predicted tokens/s by device",
                    "Upper bounds with the recommended policy; missing experts come over the link, from main memory.");
        }
        chart(
                body,
                "reuse",
                "When an expert is used again",
                "Tokens since its last use in the same layer, each bar up to the next, as a share of all uses.");
        chart(body, "heat", "How often each expert is chosen", "Layers downwards, experts to the right.");
        body.append("<h2>All figures</h2>\n<div class=\"chart\">")
                .append(table())
                .append("</div>\n");
        return HtmlReport.page(title, body.toString(), data(), SCRIPT);
    }

    private Map<String, Object> data() {
        Map<String, Object> data = new LinkedHashMap<>();
        double allExperts = (double) report.header().layers() * report.header().experts();
        List<Tuning.Row> sorted = report.tuning().rows().stream()
                .sorted((a, b) -> Integer.compare(a.plan().numSlots(), b.plan().numSlots()))
                .toList();
        List<String> policies =
                sorted.stream().map(Tuning.Row::policy).distinct().toList();
        List<Tuning.Row> first = rows(sorted, policies.getFirst());
        data.put(
                "budgets",
                first.stream().map(row -> row.plan().numSlots() / allExperts).toList());
        data.put(
                "hits",
                policies.stream()
                        .map(policy -> line(
                                policy,
                                policy.equals(Contender.CLAIRVOYANT),
                                rows(sorted, policy).stream()
                                        .map(Tuning.Row::hitRate)
                                        .toList()))
                        .toList());
        data.put("speeds", speeds(sorted));
        data.put("reuse", reuse());
        data.put("counts", counts.chosen());
        data.put("layers", report.header().moeLayerIndices());
        data.put("tokens", counts.tokens());
        return data;
    }

    /// Returns a line for each known device, and for the machine that was asked for.
    private List<Map<String, Object>> speeds(List<Tuning.Row> sorted) {
        Optional<String> policy = report.advice().map(advice -> advice.row().policy());
        if (!report.question().slotBytesKnown() || policy.isEmpty()) {
            return List.of();
        }
        Map<String, MachineProfile> machines = new LinkedHashMap<>();
        report.question().machine().ifPresent(machine -> machines.put(machine.name(), machine));
        for (String device : MachineProfile.deviceNames()) {
            machines.put(device, MachineProfile.ofDevice(device).orElseThrow());
        }
        List<Map<String, Object>> lines = new ArrayList<>();
        machines.forEach((name, machine) -> lines.add(line(
                name,
                false,
                rows(sorted, policy.get()).stream()
                        .map(row -> report.question().predict(row, new CostModel(machine)))
                        .toList())));
        return lines;
    }

    private Map<String, Object> reuse() {
        long[] reuses = counts.reuses();
        double uses = counts.firstUses() + (double) Arrays.stream(reuses).sum();
        List<String> labels = new ArrayList<>();
        List<Double> shares = new ArrayList<>();
        for (int c = 0; c < reuses.length; c++) {
            labels.add(c == 0 ? "1" : (1L << c) + "+");
            shares.add(reuses[c] / uses);
        }
        labels.add("first");
        shares.add(counts.firstUses() / uses);
        return Map.of("labels", labels, "shares", shares);
    }

    private String table() {
        StringBuilder html = new StringBuilder("<table>\n");
        String tag = "th";
        for (List<String> row : report.cells()) {
            html.append("<tr>");
            for (String cell : row) {
                html.append('<').append(tag).append('>').append(HtmlReport.escape(cell));
                html.append("</").append(tag).append('>');
            }
            html.append("</tr>\n");
            tag = "td";
        }
        return html.append("</table>").toString();
    }

    private static List<Tuning.Row> rows(List<Tuning.Row> rows, String policy) {
        return rows.stream().filter(row -> row.policy().equals(policy)).toList();
    }

    private static Map<String, Object> line(String name, boolean ceiling, List<Double> values) {
        return Map.of("name", name, "ceiling", ceiling, "values", values);
    }

    private static void paragraph(StringBuilder body, String text) {
        body.append("<p>").append(HtmlReport.escape(text)).append("</p>\n");
    }

    private static void chart(StringBuilder body, String id, String title, String text) {
        body.append("<h2>").append(title).append("</h2>\n");
        paragraph(body, text);
        body.append("<div class=\"chart\" id=\"").append(id).append("\"></div>\n");
    }
}
