package io.moetier.cli.trace;

import io.moetier.cli.report.ExpertsUsed;
import io.moetier.cli.report.ModalityReport;
import io.moetier.cli.report.RunReport;
import io.moetier.cli.report.Table;
import io.moetier.lab.balance.Balance;
import io.moetier.lab.balance.Evenness;
import io.moetier.lab.balance.LayerBalance;
import io.moetier.lab.balance.ReuseCurve;
import io.moetier.runtime.trace.TraceHeader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// The figures of a [Balance] for people and for programs.
record BalanceReport(Path trace, Balance balance) {
    /// Returns three tables: the whole trace, reuse by distance, and the layers; and another, if there are images.
    String text() {
        String text = facts() + "\n" + reuse() + "\n" + layers();
        return modalities().isEmpty() ? text : text + "\n" + modalities().table();
    }

    /// Returns the same under the names that `--json` prints.
    Map<String, Object> fields() {
        TraceHeader header = balance.header();
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("trace", trace.toString());
        fields.put("model", header.model());
        fields.put("layers", header.layers());
        fields.put("experts", header.experts());
        fields.put("top_k", header.topK());
        header.lossy().ifPresent(options -> fields.put("lossy", options));
        fields.put("prefill_tokens", balance.length().prefillTokens());
        fields.put("decode_tokens", balance.length().decodeTokens());
        fields.put("image_tokens", balance.length().imageTokens());
        fields.put("requests", balance.length().requests());
        fields.put("overall", fields(balance.overall()));
        Map<String, Object> reuse = new LinkedHashMap<>();
        reuse.put("tokens", points(balance.reuse().tokens()));
        reuse.put("experts_of_the_layer", points(balance.reuse().ofLayer()));
        reuse.put("experts_of_the_model", points(balance.reuse().ofModel()));
        fields.put("reuse", reuse);
        List<Map<String, Object>> layers = new ArrayList<>();
        balance.layers().forEach((layer, figures) -> {
            Map<String, Object> of = new LinkedHashMap<>();
            of.put("layer", layer);
            of.putAll(fields(figures));
            layers.add(of);
        });
        fields.put("by_layer", layers);
        if (!modalities().isEmpty()) {
            fields.put("modalities", modalities().fields());
        }
        return fields;
    }

    ModalityReport modalities() {
        return new ModalityReport(balance.modalities());
    }

    Table facts() {
        TraceHeader header = balance.header();
        LayerBalance overall = balance.overall();
        Evenness evenness = overall.evenness();
        Table table = Table.ofFacts()
                .row("model", header.model())
                .row(
                        "experts",
                        header.topK() + " of " + header.experts()
                                + (header.layers() == 1
                                        ? " in the one layer"
                                        : " in each of " + header.layers() + " layers")
                                + ExpertsUsed.warning(header.lossy()))
                .row(
                        "tokens",
                        balance.length().prefillTokens() + " of prompts, "
                                + balance.length().decodeTokens() + " generated"
                                + (balance.length().imageTokens() > 0
                                        ? "; " + balance.length().imageTokens() + " of images"
                                        : ""))
                .row("requests", balance.length().requests())
                .row(
                        "load-balancing loss",
                        number(overall.loadBalancingLoss()) + " (1 = even), from "
                                + (overall.fromWeights() ? "weights" : "counts alone"))
                .row("entropy", number(evenness.entropy()) + " (1 = even)")
                .row("coefficient of variation", number(evenness.variation()) + " (0 = even)")
                .row("hottest 10 % of experts", percent(evenness.hottest10()) + " of all choices")
                .row("hottest 25 %", percent(evenness.hottest25()))
                .row("hottest 50 %", percent(evenness.hottest50()))
                .row("never chosen", number(evenness.unused()) + " experts of a layer")
                .row("shared with the token before", shared(overall));
        if (balance.length().requests() > 1) {
            table.row("divergence of requests", divergence(overall))
                    .row("variance between requests", variance(overall));
        }
        return table;
    }

    private String shared(LayerBalance overall) {
        double uniform = (double) balance.header().topK() / balance.header().experts();
        return percent(overall.overlap().value()) + " of a token's experts; by popularity alone "
                + percent(overall.overlap().byChance()) + ", evenly " + percent(uniform);
    }

    private static String divergence(LayerBalance overall) {
        return number(overall.requestBits().value()) + " bits; by chance "
                + number(overall.requestBits().byChance());
    }

    private static String variance(LayerBalance overall) {
        return percent(overall.requestVariance().value()) + "; by chance "
                + percent(overall.requestVariance().byChance());
    }

    Table reuse() {
        Table table =
                Table.ofFigures().row("chosen again within", "tokens", "experts of the layer", "experts of the model");
        int longest = Math.max(
                balance.reuse().tokens().longest(), balance.reuse().ofModel().longest());
        for (int within = 1; within < 2 * longest; within *= 2) {
            table.row(
                    within,
                    point(balance.reuse().tokens(), within),
                    point(balance.reuse().ofLayer(), within),
                    point(balance.reuse().ofModel(), within));
        }
        String first = percent(balance.reuse().tokens().first());
        return table.row("the first time", first, first, first);
    }

    Table layers() {
        Table table = Table.ofFigures()
                .row(
                        "layer",
                        "loss",
                        "entropy",
                        "CV",
                        "10 %",
                        "25 %",
                        "50 %",
                        "never",
                        "before",
                        "chance",
                        "bits",
                        "chance",
                        "variance");
        balance.layers().forEach((layer, of) -> {
            Evenness evenness = of.evenness();
            table.row(
                    layer,
                    number(of.loadBalancingLoss()),
                    number(evenness.entropy()),
                    number(evenness.variation()),
                    percent(evenness.hottest10()),
                    percent(evenness.hottest25()),
                    percent(evenness.hottest50()),
                    Math.round(evenness.unused()),
                    percent(of.overlap().value()),
                    percent(of.overlap().byChance()),
                    number(of.requestBits().value()),
                    number(of.requestBits().byChance()),
                    percent(of.requestVariance().value()));
        });
        return table;
    }

    private static Map<String, Object> fields(LayerBalance of) {
        Evenness evenness = of.evenness();
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("load_balancing_loss", of.loadBalancingLoss());
        fields.put("load_balancing_loss_from", of.fromWeights() ? "weights" : "counts");
        fields.put("entropy", evenness.entropy());
        fields.put("coefficient_of_variation", evenness.variation());
        fields.put("hottest_10_percent", evenness.hottest10());
        fields.put("hottest_25_percent", evenness.hottest25());
        fields.put("hottest_50_percent", evenness.hottest50());
        fields.put("never_chosen", evenness.unused());
        fields.put("overlap", of.overlap().value());
        fields.put("overlap_by_chance", of.overlap().byChance());
        fields.put("request_divergence_bits", of.requestBits().value());
        fields.put("request_divergence_bits_by_chance", of.requestBits().byChance());
        fields.put("request_variance", of.requestVariance().value());
        fields.put("request_variance_by_chance", of.requestVariance().byChance());
        return fields;
    }

    private static List<Map<String, Object>> points(ReuseCurve curve) {
        List<Map<String, Object>> points = new ArrayList<>();
        for (int within = 1; within < 2 * curve.longest(); within *= 2) {
            Map<String, Object> point = new LinkedHashMap<>();
            point.put("within", within);
            point.put("share", curve.within(within));
            points.add(point);
        }
        return points;
    }

    private static String point(ReuseCurve curve, int within) {
        return within < 2 * curve.longest() ? percent(curve.within(within)) : "";
    }

    private static String percent(double share) {
        return RunReport.percent(share);
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.3f", value);
    }
}
