package io.moetier.cli.tune;

import io.moetier.cli.report.Table;
import io.moetier.lab.simulate.WarmedByModality;
import io.moetier.runtime.trace.TraceHeader;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Whether a cache is better warmed by the kind of token that comes, for people and for programs.
record TuneWarmth(TraceHeader header, WarmedByModality warmed) {
    private static final double WORTH_IT = 0.01; // of all choices

    /// Returns the table and what follows from it.
    String text() {
        return heading() + "\n\n" + table() + "\n" + sentence() + "\n";
    }

    /// Returns what was counted.
    String heading() {
        return String.format(
                Locale.ROOT,
                "Found in a cache that starts with what was chosen most%s: %,d of the tokens are of images",
                warmed.hindsight() ? ", by this one request itself" : " in other requests",
                header.imageTokens());
    }

    /// Returns a row for each budget.
    Table table() {
        Table table = Table.ofFigures()
                .row("budget", "slots", "images: by all", "by images", "text: by all", "by text", "other experts");
        warmed.rows()
                .forEach(row -> table.row(
                        row.plan().spelling(),
                        row.plan().numSlots(),
                        percent(row.image().shareByAll()),
                        percent(row.image().shareByOwn()),
                        percent(row.text().shareByAll()),
                        percent(row.text().shareByOwn()),
                        String.format(Locale.ROOT, "%.0f", row.changed())));
        return table;
    }

    /// Returns the answer, for the budget with which it makes the most of a difference.
    String sentence() {
        WarmedByModality.Row best = warmed.rows().stream()
                .max(Comparator.comparingDouble(TuneWarmth::gain))
                .orElseThrow();
        return (gain(best) >= WORTH_IT
                        ? "A cache is better warmed for each kind of token: it"
                        : "A cache is warmed for all tokens as well as for each kind: the latter")
                + " would find " + percent(best.byOwn()) + " of all choices instead of " + percent(best.byAll())
                + " at " + best.plan().spelling() + ".";
    }

    private static double gain(WarmedByModality.Row row) {
        return row.byOwn() - row.byAll();
    }

    /// Returns the same under the names that `--json` writes.
    List<Map<String, Object>> fields() {
        return warmed.rows().stream().map(this::fields).toList();
    }

    private Map<String, Object> fields(WarmedByModality.Row row) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("budget", row.plan().spelling());
        fields.put("slots", row.plan().numSlots());
        fields.put("hindsight", warmed.hindsight());
        fields.put("image_found_by_all", row.image().shareByAll());
        fields.put("image_found_by_image", row.image().shareByOwn());
        fields.put("text_found_by_all", row.text().shareByAll());
        fields.put("text_found_by_text", row.text().shareByOwn());
        fields.put("other_experts", row.changed());
        return fields;
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f %%", 100 * share);
    }
}
