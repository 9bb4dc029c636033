package io.moetier.cli.report;

import io.moetier.lab.simulate.TraceCounts;
import io.moetier.runtime.trace.TraceHeader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The charts that every page about a trace has: when experts are used again, and how often each is chosen.
public final class TraceCharts {
    private TraceCharts() {}

    public static void add(HtmlBody body) {
        body.chart(
                "reuse",
                "When an expert is used again",
                "Tokens since its last use in the same layer, each bar up to the next, as a share of all uses.");
        body.chart("heat", "How often each expert is chosen", "Layers downwards, experts to the right.");
    }

    /// Returns what the script draws there.
    public static Map<String, Object> data(TraceCounts counts, TraceHeader header) {
        Map<String, Object> data = new LinkedHashMap<>();
        data.put("reuse", reuse(counts));
        data.put("counts", counts.chosen());
        data.put("layers", header.moeLayerIndices());
        data.put("tokens", counts.tokens());
        return data;
    }

    private static Map<String, Object> reuse(TraceCounts counts) {
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
}
