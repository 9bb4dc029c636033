package io.moetier.cli.report;

import io.moetier.runtime.metrics.Section;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/// What the steps of a phase took, by section and layer.
public final class PhaseTimes {
    private static final Section[] SECTIONS = Section.values();

    private final double[][] nanos; // by section and layer; what is of no layer counts as of layer 0
    private int steps;
    private long tokens;

    PhaseTimes(int numLayers) {
        nanos = new double[SECTIONS.length][Math.max(1, numLayers)];
    }

    @SuppressWarnings("EnumOrdinal") // an index of its own would be the same
    void add(Section section, int layer, double sectionNanos) {
        nanos[section.ordinal()][section.isOfLayer() ? layer : 0] += sectionNanos;
    }

    void addSteps(int more, long moreTokens) {
        steps += more;
        tokens += moreTokens;
    }

    public boolean isEmpty() {
        return steps == 0;
    }

    public long tokens() {
        return tokens;
    }

    /// Returns the layers there are, one at least.
    public int numLayers() {
        return nanos[0].length;
    }

    /// Returns what a section took in one layer; what is of no layer is counted as of layer 0.
    @SuppressWarnings("EnumOrdinal")
    public double nanos(Section section, int layer) {
        return nanos[section.ordinal()][layer];
    }

    /// Returns what sections took in all layers.
    double nanos(Section... sections) {
        return Stream.of(sections).mapToDouble(this::ofSection).sum();
    }

    @SuppressWarnings("EnumOrdinal")
    private double ofSection(Section section) {
        double sum = 0;
        for (double ofLayer : nanos[section.ordinal()]) {
            sum += ofLayer;
        }
        return sum;
    }

    /// Returns what all steps took.
    public double totalNanos() {
        return nanos(SECTIONS);
    }

    /// Returns the head of a table whose rows [#cells] makes.
    public static Object[] head() {
        return new Object[] {"milliseconds", "all", "attention", "router", "experts", "waits", "dense networks", "rest"
        };
    }

    /// Returns a row: what one of `parts` equal parts of all this took.
    public Object[] cells(String name, double parts) {
        return new Object[] {
            name,
            millis(totalNanos() / parts),
            millis(nanos(Section.ATTENTION) / parts),
            millis(nanos(Section.ROUTER) / parts),
            millis(nanos(Section.EXPERTS) / parts),
            millis(nanos(Section.WAIT, Section.NODES) / parts),
            millis(nanos(Section.FEED_FORWARD) / parts),
            millis(nanos(Section.EMBEDDING, Section.HEAD) / parts)
        };
    }

    /// Returns the same as bars, for people at a terminal.
    public TerminalChart chart(double parts) {
        Object[] head = head();
        Object[] cells = cells("", parts);
        TerminalChart chart = new TerminalChart();
        for (int i = 2; i < head.length; i++) {
            chart.bar(String.valueOf(head[i]), Double.parseDouble(String.valueOf(cells[i])), cells[i] + " ms");
        }
        return chart;
    }

    private static String millis(double nanos) {
        return String.format(Locale.ROOT, "%.3f", nanos / 1e6);
    }

    /// Returns the seconds of one of `parts` equal parts of all this, under the names that `--json` prints.
    @SuppressWarnings("EnumOrdinal")
    public Map<String, Object> fields(double parts) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("seconds", totalNanos() / 1e9 / parts);
        for (Section section : SECTIONS) {
            fields.put(key(section), ofSection(section) / 1e9 / parts);
        }
        List<Map<String, Object>> layers = new ArrayList<>();
        for (int layer = 0; layer < nanos[0].length; layer++) {
            Map<String, Object> ofLayer = new LinkedHashMap<>();
            for (Section section : SECTIONS) {
                if (section.isOfLayer()) {
                    ofLayer.put(key(section), nanos[section.ordinal()][layer] / 1e9 / parts);
                }
            }
            layers.add(ofLayer);
        }
        fields.put("layers", layers);
        return fields;
    }

    private static String key(Section section) {
        return section.name().toLowerCase(Locale.ROOT) + "_seconds";
    }
}
