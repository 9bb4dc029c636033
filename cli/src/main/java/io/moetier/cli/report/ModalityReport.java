package io.moetier.cli.report;

import io.moetier.lab.balance.ModalityBalance;
import io.moetier.storage.model.Modality;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.stream.IntStream;

/// Which experts tokens of images and of text choose, for people, for programs and for pages.
///
/// @param layers by their number in the model; none where there are not both
public record ModalityReport(SortedMap<Integer, ModalityBalance> layers) {
    private static final String CHART = "modalities";
    private static final double ROUNDING = 1e5;

    /// Says whether there is nothing to tell.
    public boolean isEmpty() {
        return layers.isEmpty();
    }

    /// Returns the figures of each layer.
    public Table table() {
        Table table = Table.ofFigures()
                .row("layer", "experts of images", "of text", "of both", "overlap", "information", "by chance");
        layers.forEach((layer, of) -> table.row(
                layer,
                of.used(Modality.IMAGE),
                of.used(Modality.TEXT),
                of.usedByBoth(),
                RunReport.percent(of.overlap()),
                bits(of.information().value()),
                bits(of.information().byChance())));
        return table;
    }

    private static String bits(double value) {
        return String.format(Locale.ROOT, "%.3f", value);
    }

    /// Returns the same under the names that `--json` prints.
    public List<Map<String, Object>> fields() {
        List<Map<String, Object>> all = new ArrayList<>();
        layers.forEach((layer, of) -> {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("layer", layer);
            fields.put("image_choices", of.image());
            fields.put("text_choices", of.text());
            fields.put("overlap", of.overlap());
            fields.put("information_bits", of.information().value());
            fields.put("information_bits_by_chance", of.information().byChance());
            all.add(fields);
        });
        return all;
    }

    /// Adds table and chart to a page, and what is drawn to its heat maps.
    public void addTo(HtmlBody body, Map<String, Object> heats) {
        body.table("Images and text, layer by layer", table())
                .chart(
                        CHART,
                        "Which experts see and which read",
                        "Shares of what tokens of images, and tokens of text, chose in each layer: experts to the"
                                + " right.");
        heats.put(CHART, heat());
    }

    private Map<String, Object> heat() {
        List<String> labels = new ArrayList<>();
        List<List<Double>> rows = new ArrayList<>();
        int most =
                layers.values().stream().mapToInt(of -> of.text().length).max().orElse(0);
        layers.forEach((layer, of) -> {
            for (Modality modality : List.of(Modality.IMAGE, Modality.TEXT)) {
                labels.add("layer " + layer + ", " + modality.label());
                rows.add(IntStream.range(0, most)
                        .mapToObj(expert -> expert < of.text().length ? rounded(of.share(modality, expert)) : 0.0)
                        .toList());
            }
        });
        Map<String, Object> heat = new LinkedHashMap<>();
        heat.put("rows", rows);
        heat.put("labels", labels);
        heat.put("shared", false);
        heat.put("percent", true);
        return heat;
    }

    private static double rounded(double value) {
        return Math.round(value * ROUNDING) / ROUNDING;
    }
}
