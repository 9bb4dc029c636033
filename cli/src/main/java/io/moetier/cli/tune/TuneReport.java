package io.moetier.cli.tune;

import io.moetier.cli.report.RunReport;
import io.moetier.cli.report.Table;
import io.moetier.cli.report.TerminalChart;
import io.moetier.cli.terminal.Plural;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.lab.simulate.Simulator;
import io.moetier.lab.simulate.Tuning;
import io.moetier.runtime.trace.TraceHeader;
import io.moetier.storage.memory.ByteSize;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// What `tune` found for one trace, for people and for programs.
///
/// @param simulator what replayed it
/// @param warmth what warming by the kind of token would bring, if there are images
record TuneReport(
        Path trace,
        TraceHeader header,
        Simulator simulator,
        Tuning.Question question,
        Tuning tuning,
        Optional<TuneWarmth> warmth) {
    private static final double LEAST_SHARE = 0.005; // else it is rounded to nothing

    /// Returns the table, what to note about it, and the recommendation.
    String text() {
        StringBuilder text = new StringBuilder(trace + ": " + header.model() + "\n" + subject() + "\n\n");
        text.append(table()).append('\n');
        notes().forEach(note -> text.append(note).append('\n'));
        recommendation().ifPresent(sentence -> text.append(sentence).append('\n'));
        warmth.ifPresent(of -> text.append('\n').append(of.text()));
        return text.toString();
    }

    /// Returns what was replayed, and how.
    String subject() {
        return String.format(
                Locale.ROOT,
                "%,d %s%s, %s of %s, top %d; admission %s%s%s%s",
                header.tokens(),
                header.tokens() == 1 ? "token" : "tokens",
                simulator.warmUpTokens() > 0
                        ? String.format(Locale.ROOT, ", of which %,d to warm up", header.tokens() - tuning.tokens())
                        : "",
                Plural.of(header.layers(), "layer"),
                Plural.of(header.experts(), "expert"),
                header.topK(),
                admission(),
                simulator.tokensTogether() > 1
                        ? ", " + simulator.tokensTogether() + " tokens at a time where the trace does not tell"
                        : "",
                misses().map(misses -> ", misses " + misses).orElse(""),
                learntBefore());
    }

    private String admission() {
        return simulator.admission().name().toLowerCase(Locale.ROOT);
    }

    private String learntBefore() {
        return question.earlier().isEmpty()
                ? ""
                : question.earlier().stream()
                        .map(Path::toString)
                        .collect(Collectors.joining(", ", "; what gate has learnt from ", " goes on"));
    }

    /// Returns what becomes of experts that the machine's device lacks; nothing if it has none.
    private Optional<String> misses() {
        return question.machine()
                .filter(MachineProfile::hasDevice)
                .map(_ -> question.misses().name().toLowerCase(Locale.ROOT));
    }

    /// Returns what to take, as a sentence; nothing if only the optimum was asked for.
    Optional<String> recommendation() {
        return advice().map(TuneReport::sentence);
    }

    /// Returns the rows under the names that `--json` writes.
    Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("trace", trace.toString());
        header.lossy().ifPresent(options -> fields.put("lossy", options));
        fields.put("admission", admission());
        fields.put("batch", simulator.tokensTogether());
        fields.put("warm_up", header.tokens() - tuning.tokens());
        question.machine().ifPresent(machine -> fields.put("device", machine.name()));
        misses().ifPresent(misses -> fields.put("misses", misses));
        if (!question.earlier().isEmpty()) {
            fields.put("after", question.earlier().stream().map(Path::toString).toList());
        }
        fields.put("rows", tuning.rows().stream().map(TuneReport::fields).toList());
        warmth.ifPresent(of -> fields.put("warmed_by_modality", of.fields()));
        return fields;
    }

    Optional<Tuning.Advice> advice() {
        return tuning.advice();
    }

    private static Map<String, @Nullable Object> fields(Tuning.Row row) {
        Map<String, @Nullable Object> fields = new LinkedHashMap<>();
        fields.put("policy", row.policy());
        fields.put("budget", row.plan().spelling());
        fields.put("slots", row.plan().numSlots());
        fields.put("hitRate", row.hitRate());
        fields.put("copiesPerToken", row.copiesPerToken());
        fields.put("bytesPerToken", row.bytesPerToken().orElse(null));
        fields.put(
                "predictedTokensPerSecond",
                row.prediction().map(prediction -> prediction.tokensPerSecond()).orElse(null));
        fields.put(
                "bound",
                row.prediction().map(prediction -> prediction.bound().label()).orElse(null));
        fields.put("gapClosed", row.gapClosed().isPresent() ? row.gapClosed().getAsDouble() : null);
        return fields;
    }

    /// Returns the hit rates as bars, for people at a terminal.
    TerminalChart chart() {
        TerminalChart chart = new TerminalChart();
        tuning.rows()
                .forEach(row -> chart.bar(
                        row.plan().spelling() + " " + row.policy(),
                        row.hitRate(),
                        percent("%.1f %%", row.hitRate()) + " found"));
        return chart;
    }

    /// Returns a row for each policy and budget.
    Table table() {
        Table table = Table.ofFigures();
        cells().forEach(row -> table.row(row.toArray()));
        return table;
    }

    private List<List<String>> cells() {
        boolean sizes = question.sizes().known();
        List<String> head = new ArrayList<>(List.of("budget", "slots", "policy", "hit rate", "copies/token"));
        if (sizes) {
            head.add("moved/token");
        }
        if (sizes && question.machine().isPresent()) {
            head.addAll(List.of("tokens/s", "bound"));
        }
        head.add("gap closed");
        List<List<String>> cells = new ArrayList<>(List.of(head));
        tuning.rows().forEach(row -> cells.add(cells(row)));
        return cells;
    }

    private static List<String> cells(Tuning.Row row) {
        List<String> cells = new ArrayList<>(List.of(
                row.plan().spelling(),
                Integer.toString(row.plan().numSlots()),
                row.policy(),
                percent("%.1f %%", row.hitRate()),
                String.format(Locale.ROOT, "%.1f", row.copiesPerToken())));
        row.bytesPerToken().ifPresent(bytes -> cells.add(ByteSize.format(bytes)));
        row.prediction().ifPresent(prediction -> {
            cells.add(RunReport.rate(prediction.tokensPerSecond()));
            cells.add(prediction.bound().label());
        });
        cells.add(
                row.gapClosed().isPresent() ? percent("%.0f %%", row.gapClosed().getAsDouble()) : "–");
        return cells;
    }

    /// Returns what one must know to read the table.
    List<String> notes() {
        List<String> notes = new ArrayList<>();
        header.lossy()
                .ifPresent(options ->
                        notes.add("Lossy: the trace is of the model with " + options + ", not as it was trained."));
        int tokenExperts = header.layers() * header.topK();
        List<String> small = question.plans().stream()
                .filter(plan -> plan.numSlots() < tokenExperts)
                .map(plan -> plan.spelling())
                .toList();
        if (!small.isEmpty()) {
            notes.add(String.join(", ", small) + ": fewer slots than one token needs ("
                    + Plural.of(header.layers(), "layer") + " × "
                    + Plural.of(header.topK(), "expert") + " = " + tokenExperts
                    + "); what was used longest ago is what the next token needs, so lru finds little.");
        }
        if (!question.sizes().known()) {
            notes.add("No bytes and no speeds: a trace does not tell the size of an expert; --model or --expert-bytes"
                    + " does.");
        } else if (question.machine().isEmpty()) {
            notes.add("No speeds: this machine was not measured; run moetier doctor, or give --device.");
        } else if (question.sizes().denseBytes() == 0) {
            notes.add("Speeds count experts only; --model adds the other weights.");
        }
        question.machine()
                .filter(machine -> question.sizes().known())
                .ifPresent(machine -> notes.add(
                        machine.decodeCosts().isPresent()
                                        && question.sizes().traits().isPresent()
                                ? "Speeds are those of generation on " + machine.name() + "."
                                : "Speeds are upper bounds for " + machine.name() + "."));
        return notes;
    }

    private static String sentence(Tuning.Advice advice) {
        Tuning.Row row = advice.row();
        String slots = Plural.of(row.plan().numSlots(), "slot")
                + row.slotBytes().map(bytes -> ", " + ByteSize.format(bytes)).orElse("");
        StringBuilder text = new StringBuilder(
                "Recommended: " + row.policy() + " at " + row.plan().spelling() + " (" + slots + ")");
        double fewer = row.fewerCopiesThanLru();
        text.append(
                fewer >= LEAST_SHARE ? ", which needs " + percent("%.0f %%", fewer) + " fewer copies than lru" : "");
        advice.next().ifPresent(next -> text.append(bought(row, next)));
        return text.append('.').toString();
    }

    private static String bought(Tuning.Row row, Tuning.Row next) {
        boolean predicted = row.prediction().isPresent() && next.prediction().isPresent();
        double more = predicted
                ? next.prediction().get().tokensPerSecond()
                                / row.prediction().get().tokensPerSecond()
                        - 1
                : row.copiesPerToken() == 0 ? 0 : 1 - next.copiesPerToken() / row.copiesPerToken();
        String buys = "; " + next.plan().spelling() + " buys ";
        if (more < LEAST_SHARE) {
            return buys + "nothing"; // what more memory holds may be read more slowly
        }
        return buys
                + (predicted
                        ? percent("%.0f %%", more) + " more tokens/s"
                        : "another " + percent("%.0f %%", more) + " fewer copies");
    }

    /// A share that is rounded to nothing has no sign.
    private static String percent(String format, double share) {
        return String.format(Locale.ROOT, format, 100 * share).replaceFirst("^-(?=[0.]+ )", "");
    }
}
