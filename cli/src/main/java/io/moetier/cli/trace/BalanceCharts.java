package io.moetier.cli.trace;

import io.moetier.cli.report.HtmlBody;
import io.moetier.cli.report.HtmlReport;
import io.moetier.cli.report.TraceCharts;
import io.moetier.lab.balance.ReuseCurve;
import io.moetier.lab.simulate.TraceCounts;
import io.moetier.runtime.trace.TraceHeader;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The report of `trace show` as a page with charts.
///
/// @param counts of the same trace
record BalanceCharts(BalanceReport report, TraceCounts counts) {
    private static final int POINTS = 64;

    /// Returns the page.
    String page() {
        String title = "Routing of " + report.balance().header().model();
        HtmlBody body = new HtmlBody(title)
                .table("The whole trace", report.facts())
                .chart("entropy", "How evenly each layer chooses", "Entropy: 100 % where all experts are used alike.")
                .chart(
                        "hits",
                        "What a cache would find",
                        "Hit rate of one LRU for all layers by its share of all experts, each let in before the next is"
                                + " asked for.");
        TraceCharts.add(body);
        body.table("Chosen again", report.reuse()).table("Layer by layer", report.layers());
        Map<String, Object> data = data();
        if (!report.modalities().isEmpty()) {
            Map<String, Object> heats = new LinkedHashMap<>();
            report.modalities().addTo(body, heats);
            data.put("heats", heats);
        }
        return HtmlReport.page(title, body.toString(), data);
    }

    private Map<String, Object> data() {
        TraceHeader header = report.balance().header();
        ReuseCurve curve = report.balance().reuse().ofModel();
        List<Double> shares = new ArrayList<>();
        List<Double> hits = new ArrayList<>();
        for (int point = 1; point <= POINTS; point++) {
            int slots = (int) ((long) curve.longest() * point / POINTS);
            shares.add((double) slots / curve.longest());
            hits.add(curve.within(slots));
        }
        Map<String, Object> data = new LinkedHashMap<>();
        data.put(
                "entropy",
                Map.of(
                        "labels",
                        report.balance().layers().keySet(),
                        "shares",
                        report.balance().layers().values().stream()
                                .map(layer -> layer.evenness().entropy())
                                .toList()));
        data.put("budgets", shares);
        data.put("hits", List.of(Map.of("name", "lru", "ceiling", false, "values", hits)));
        data.putAll(TraceCharts.data(counts, header));
        return data;
    }
}
