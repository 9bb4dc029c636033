package io.moetier.cli.tune;

import io.moetier.cli.report.HtmlBody;
import io.moetier.cli.report.HtmlReport;
import io.moetier.cli.report.TraceCharts;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.lab.simulate.Contender;
import io.moetier.lab.simulate.TraceCounts;
import io.moetier.lab.simulate.Tuning;
import io.moetier.runtime.offload.Misses;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The report of `tune` as a page with charts.
///
/// @param counts of the same trace
record TuneCharts(TuneReport report, TraceCounts counts) {
    /// Devices from slow to fast; more lines than these could not be told apart.
    private static final List<String> CHARTED =
            List.of("rtx3060", "rtx3090", "rtx4060ti", "rtx4090", "rtx5090", "h100");

    /// Returns the page.
    String page() {
        String title = "Expert cache of " + report.header().model();
        HtmlBody body = new HtmlBody(title).paragraph(report.subject());
        report.notes().forEach(body::paragraph);
        report.recommendation().ifPresent(body::paragraph);
        body.chart("hits", "Hit rate by budget", "Dashed: the optimum, which knows the future.");
        if (report.question().sizes().known()) {
            body.chart(
                    "speeds",
                    "Predicted tokens/s by device",
                    "With the recommended policy. Upper bounds but for a measured machine; what comes into a device"
                            + " comes over the link, from main memory.");
        }
        TraceCharts.add(body);
        body.table("All figures", report.table());
        report.warmth()
                .ifPresent(warmth -> body.table(
                        "Images and text", List.of(warmth.heading() + ".", warmth.sentence()), warmth.table()));
        return HtmlReport.page(title, body.toString(), data());
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
        data.putAll(TraceCharts.data(counts, report.header()));
        return data;
    }

    /// Returns a line for the machine that was asked for, and for each known device, unless the processor computes some
    /// experts: how many, and so what is where, depends on the machine.
    private List<Map<String, Object>> speeds(List<Tuning.Row> sorted) {
        Optional<String> policy = report.advice().map(advice -> advice.row().policy());
        if (!report.question().sizes().known() || policy.isEmpty()) {
            return List.of();
        }
        Map<String, MachineProfile> machines = new LinkedHashMap<>();
        report.question().machine().ifPresent(machine -> machines.put(machine.name(), machine));
        if (report.question().misses() == Misses.COPY) {
            for (String device : CHARTED) {
                machines.put(device, MachineProfile.ofDevice(device).orElseThrow());
            }
        }
        List<Map<String, Object>> lines = new ArrayList<>();
        machines.forEach((name, machine) -> lines.add(line(
                name,
                false,
                rows(sorted, policy.get()).stream()
                        .map(row -> report.question().predict(row, machine))
                        .toList())));
        return lines;
    }

    private static List<Tuning.Row> rows(List<Tuning.Row> rows, String policy) {
        return rows.stream().filter(row -> row.policy().equals(policy)).toList();
    }

    private static Map<String, Object> line(String name, boolean ceiling, List<Double> values) {
        return Map.of("name", name, "ceiling", ceiling, "values", values);
    }
}
