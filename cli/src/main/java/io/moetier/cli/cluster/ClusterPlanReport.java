package io.moetier.cli.cluster;

import io.moetier.cli.report.HtmlBody;
import io.moetier.cli.report.HtmlReport;
import io.moetier.cli.report.RunReport;
import io.moetier.cli.report.Table;
import io.moetier.cli.terminal.Plural;
import io.moetier.cli.terminal.TerminalText;
import io.moetier.cluster.placement.Link;
import io.moetier.lab.cluster.ClusterPlan;
import io.moetier.lab.cluster.ClusterTime;
import io.moetier.lab.cluster.ClusterVerdict;
import io.moetier.lab.cluster.Machine;
import io.moetier.lab.cluster.Node;
import io.moetier.lab.cluster.Parts;
import io.moetier.lab.cluster.Parts.Part;
import io.moetier.storage.memory.ByteSize;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/// What `cluster plan` found, for people and for programs.
record ClusterPlanReport(PlannedModelOptions.Known known, ClusterPlan.Question question, ClusterPlan plan) {
    /// What the fields of `--json` are: it changes when old readers could no longer read them.
    static final String FORMAT = "moetier-cluster-plan/1";

    private static final double GIGABITS = Byte.SIZE / 1e9;

    /// Returns the lines for people.
    String text() {
        StringBuilder text = new StringBuilder(TerminalText.escapeLine(known.subject()) + "\n\n");
        text.append(machines()).append('\n').append(rows()).append('\n');
        conclusions().forEach(line -> text.append(line).append('\n'));
        text.append('\n');
        basis().forEach(line -> text.append(TerminalText.escapeLine(line)).append('\n'));
        return text.toString();
    }

    /// Returns the page.
    String page() {
        HtmlBody body = new HtmlBody("Several machines for " + known.name()).paragraph(known.subject());
        conclusions().forEach(body::paragraph);
        body.table("Nodes", basis(), rows());
        body.table("Machines", machines());
        body.table("Balance of each layer", List.of(balanceInWords()), layers());
        return HtmlReport.page("Several machines", body.toString(), fields());
    }

    /// Returns the same under the names that `--json` prints.
    Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("format", FORMAT);
        fields.put("model", known.name());
        fields.put("layers", known.model().layers());
        fields.put("experts", known.model().experts());
        fields.put("experts_per_token", known.model().topK());
        fields.put("expert_bytes", known.model().allExpertBytes());
        fields.put("dense_bytes", known.model().sizes().denseBytes());
        fields.put("row_elements", known.model().rowElements());
        fields.put("basis", basis());
        Map<String, Object> driver = fields(question.driver().driver());
        driver.put("link_bits_per_second", question.driver().driverBytesPerSecond() * Byte.SIZE);
        fields.put("driver", driver);
        fields.put(
                "node_kinds",
                question.kinds().stream().map(ClusterPlanReport::fields).toList());
        fields.put("here", fields(plan.here()));
        fields.put("rows", plan.rows().stream().map(ClusterPlanReport::fields).toList());
        plan.enough().ifPresent(enough -> fields.put("enough", fields(enough)));
        return fields;
    }

    private static Map<String, Object> fields(ClusterPlan.Enough enough) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("nodes", enough.nodes());
        fields.put("gain_of_twice_as_many", enough.gain());
        fields.put("reason", name(enough.reason()));
        return fields;
    }

    private static Map<String, Object> fields(Machine machine) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("name", machine.name());
        fields.put("ram_bytes", machine.ramBytes());
        fields.put(
                "memory_bytes_per_second", machine.speeds().hostBytesPerSecond().orElseThrow());
        fields.put(
                "disk_bytes_per_second", machine.speeds().diskBytesPerSecond().orElseThrow());
        return fields;
    }

    private static Map<String, Object> fields(Node node) {
        Map<String, Object> fields = fields(node.machine());
        fields.put("round_trip_seconds", node.link().roundTripSeconds());
        fields.put("link_bits_per_second", node.link().bytesPerSecond() * Byte.SIZE);
        return fields;
    }

    private static Map<String, Object> fields(ClusterPlan.Row row) {
        ClusterVerdict verdict = row.verdict();
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("nodes", row.nodes());
        fields.put("pays_off", verdict.paysOff());
        verdict.breakEvenSeconds().ifPresent(seconds -> fields.put("break_even_round_trip_seconds", seconds));
        fields.put("sentence", verdict.sentence());
        fields.putAll(fields(row.time()));
        fields.put("balance", row.time().balance());
        fields.put(
                "machines",
                row.time().loads().stream().map(ClusterPlanReport::fields).toList());
        return fields;
    }

    private static Map<String, Object> fields(ClusterTime time) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("seconds_per_token", time.seconds());
        fields.put("tokens_per_second", time.tokensPerSecond().fields());
        Map<String, Object> shares = new LinkedHashMap<>();
        for (Part part : Part.values()) {
            shares.put(name(part), time.parts().share(part));
        }
        fields.put("shares", shares);
        return fields;
    }

    private static Map<String, Object> fields(ClusterTime.Load load) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("machine", load.machine());
        fields.put("experts", load.experts());
        fields.put("bytes", load.bytes());
        fields.put("computed_per_token", load.chosen());
        fields.put("from_disk_per_token", load.missing());
        fields.put("busy_seconds_per_token", load.busySeconds());
        return fields;
    }

    private static String name(Part part) {
        return part.name().toLowerCase(Locale.ROOT);
    }

    private Table machines() {
        Machine driver = question.driver().driver();
        Table table = Table.ofFacts()
                .row(
                        "driver",
                        speeds(driver) + ", a link of " + bits(question.driver().driverBytesPerSecond()));
        for (Node node : question.kinds()) {
            Link link = node.link();
            table.row(
                    "node",
                    speeds(node.machine()) + ", " + ClusterVerdict.millis(link.roundTripSeconds()) + " there and back, "
                            + bits(link.bytesPerSecond()));
        }
        return table;
    }

    private static String speeds(Machine machine) {
        return ByteSize.format(machine.ramBytes()) + " for experts, memory "
                + ByteSize.format(machine.speeds().hostBytesPerSecond().orElseThrow()) + "/s, disk "
                + ByteSize.format(machine.speeds().diskBytesPerSecond().orElseThrow()) + "/s";
    }

    private static String bits(double bytesPerSecond) {
        return String.format(Locale.ROOT, "%.3g Gbit/s", bytesPerSecond * GIGABITS);
    }

    private Table rows() {
        Table table = Table.ofFigures()
                .row(
                        "nodes",
                        "tokens/s",
                        "a token",
                        "driver",
                        "links",
                        "experts",
                        "disk",
                        "waiting",
                        "balance",
                        "pays up to");
        row(table, "here", plan.here(), "");
        plan.rows()
                .forEach(row -> row(
                        table,
                        String.valueOf(row.nodes()),
                        row.time(),
                        breakEven(row.verdict().breakEvenSeconds())));
        return table;
    }

    private static void row(Table table, String nodes, ClusterTime time, String breakEven) {
        Parts parts = time.parts();
        table.row(
                nodes,
                time.tokensPerSecond().text(),
                ClusterVerdict.millis(time.seconds()),
                RunReport.percent(parts.share(Part.DRIVER)),
                RunReport.percent(parts.share(Part.LINKS)),
                RunReport.percent(parts.share(Part.EXPERTS)),
                RunReport.percent(parts.share(Part.DISK)),
                RunReport.percent(parts.share(Part.IMBALANCE)),
                RunReport.percent(mean(time.balance())),
                breakEven);
    }

    private static String breakEven(OptionalDouble seconds) {
        return seconds.isPresent() ? ClusterVerdict.millis(seconds.getAsDouble()) : "never";
    }

    /// Says what to take, and when more is of no use.
    private List<String> conclusions() {
        List<String> lines = new ArrayList<>();
        ClusterPlan.Row taken = taken();
        lines.add((taken.verdict().paysOff() ? "Experts on nodes: " : "Everything here: ")
                + taken.verdict().sentence() + ".");
        if (taken.verdict().paysOff()) {
            lines.add(ofMore());
        }
        lines.add(balanceInWords());
        return lines;
    }

    /// Says what more nodes bring, as far as their number was doubled.
    private String ofMore() {
        int fewest = plan.rows().getFirst().nodes();
        int most = plan.rows().getLast().nodes();
        return plan.enough()
                .map(enough -> nodes(enough.nodes()) + " will do: twice as many would be " + change(enough.gain())
                        + "; most of a token's time is " + enough.reason().label() + " then.")
                .orElse(
                        most >= 2 * fewest
                                ? "More nodes help up to " + most + " at least."
                                : "Whether more help is told where --nodes has a number and twice as many.");
    }

    private static String nodes(int count) {
        return Plural.of(count, "node");
    }

    private static String change(double gain) {
        return gain < 0 ? RunReport.percent(-gain) + " slower" : RunReport.percent(gain) + " faster";
    }

    /// The row that is enough, else the last.
    private ClusterPlan.Row taken() {
        return plan.rows().stream()
                .filter(row -> plan.enough()
                        .filter(enough -> enough.nodes() == row.nodes())
                        .isPresent())
                .findFirst()
                .orElse(plan.rows().getLast());
    }

    private String balanceInWords() {
        ClusterPlan.Row taken = taken();
        List<Double> balance = taken.time().balance();
        Comparator<Integer> byBalance = Comparator.comparingDouble(balance::get);
        int least = IntStream.range(0, balance.size()).boxed().min(byBalance).orElseThrow();
        int most = IntStream.range(0, balance.size()).boxed().max(byBalance).orElseThrow();
        return "Balance over " + nodes(taken.nodes()) + ": a machine with experts works "
                + RunReport.percent(mean(balance)) + " as long as the busiest of each layer, from "
                + RunReport.percent(balance.get(least)) + " in layer "
                + known.layers().get(least) + " to "
                + RunReport.percent(balance.get(most)) + " in layer "
                + known.layers().get(most) + ".";
    }

    private Table layers() {
        Object[] head = new Object[plan.rows().size() + 1];
        head[0] = "layer";
        for (int i = 0; i < plan.rows().size(); i++) {
            head[i + 1] = nodes(plan.rows().get(i).nodes());
        }
        Table table = Table.ofFigures().row(head);
        for (int layer = 0; layer < known.model().layers(); layer++) {
            Object[] cells = new Object[head.length];
            cells[0] = known.layers().get(layer);
            for (int i = 0; i < plan.rows().size(); i++) {
                cells[i + 1] =
                        RunReport.percent(plan.rows().get(i).time().balance().get(layer));
            }
            table.row(cells);
        }
        return table;
    }

    private List<String> basis() {
        return List.of(
                known.basis(),
                "In brackets is where nine of ten measurements should be, as of machines that were not measured; with"
                        + " no measured cluster was this compared.");
    }

    private static double mean(List<Double> balance) {
        return balance.stream().mapToDouble(each -> each).average().orElse(1);
    }
}
