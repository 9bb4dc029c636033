package io.moetier.cli.report;

import io.moetier.cli.terminal.Plural;
import io.moetier.runtime.lookahead.Recall;
import io.moetier.runtime.metrics.RunStats;
import io.moetier.runtime.session.Engine;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;

/// How well the next layers' choices were guessed, and what was loaded ahead: as a table, as JSON.
record LookaheadReport(List<Recall> recall, List<Recall> byLayer, RunStats stats, String verdict) {
    static LookaheadReport of(Engine engine, RunStats stats) {
        return new LookaheadReport(
                engine.lookahead().recall(),
                engine.lookahead().recallByLayer(),
                stats,
                engine.prefetchTrial().verdict());
    }

    /// Returns a row for each guesser: over all layers, and from the first layer to the last.
    String table() {
        Table guesses = Table.ofFacts();
        for (Recall all : recall) {
            StringJoiner layers = new StringJoiner(" ");
            for (Recall layer : byLayer) {
                if (layer.guesser() == all.guesser()) {
                    layers.add(String.format(Locale.ROOT, "%.0f", 100 * layer.share()));
                }
            }
            guesses.row(
                    "guessed " + all.guesser().distance() + " ahead by "
                            + all.guesser().label(),
                    RunReport.percent(all.share()) + ", by layer " + layers);
        }
        guesses.row(
                "loaded ahead",
                Plural.of(stats.prefetches(), "expert") + ", of which " + stats.prefetchHits()
                        + (stats.prefetchHits() == 1 ? " was" : " were") + " needed");
        if (!verdict.isEmpty()) {
            guesses.row("loading ahead", verdict);
        }
        return guesses.toString();
    }

    /// Returns the figures under the names that `--json` prints.
    Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("prefetches", stats.prefetches());
        fields.put("prefetch_hits", stats.prefetchHits());
        fields.put("prefetch_verdict", verdict);
        fields.put("recall", recall.stream().map(all -> recallFields(all)).toList());
        return fields;
    }

    private Map<String, Object> recallFields(Recall all) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("guesser", all.guesser().label());
        fields.put("distance", all.guesser().distance());
        fields.put("recall", all.share());
        fields.put(
                "by_layer",
                byLayer.stream()
                        .filter(layer -> layer.guesser() == all.guesser())
                        .map(Recall::share)
                        .toList());
        return fields;
    }
}
