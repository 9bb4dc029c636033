package io.moetier.cli.perplexity;

import io.moetier.cli.report.RunReport;
import io.moetier.cli.report.Table;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/// How far a model's predictions are from those of a reference, position by position.
final class Divergence {
    private static final double[] PERCENTILES = {99.9, 99, 95, 90, 50, 10, 5};

    private final Mean divergence = new Mean();
    private final Mean logRatio = new Mean();
    private final Mean sameTop = new Mean();
    private double[] values = new double[1024];
    private int count;

    /// Adds a position whose next token is `next`.
    ///
    /// @param logProbs of the model, `[vocabSize]`
    /// @param references of the reference, those of this position from index `at` on
    void add(double[] logProbs, float[] references, int at, int next) {
        double sum = 0;
        int top = 0;
        int referenceTop = 0;
        for (int i = 0; i < logProbs.length; i++) {
            double reference = references[at + i];
            sum += Math.exp(reference) * (reference - logProbs[i]);
            top = (float) logProbs[i] > (float) logProbs[top] ? i : top; // as exact as the reference is
            referenceTop = reference > references[at + referenceTop] ? i : referenceTop;
        }
        double kl = Math.max(0, sum); // rounding takes it below, where the two agree
        divergence.add(kl);
        logRatio.add(references[at + next] - logProbs[next]);
        sameTop.add(top == referenceTop ? 1 : 0);
        values = count == values.length ? Arrays.copyOf(values, 2 * count) : values;
        values[count++] = kl;
    }

    /// Returns the mean KL divergence.
    Mean mean() {
        return divergence;
    }

    /// Returns the rows of the table for people.
    void addTo(Table table) {
        double ratio = Math.exp(logRatio.value());
        table.row("perplexity ratio", PerplexityCommand.plusMinus(ratio, ratio * logRatio.error()))
                .row("KL divergence", PerplexityCommand.plusMinus(divergence.value(), divergence.error()))
                .row("  most", PerplexityCommand.number(percentile(100)));
        for (double percent : PERCENTILES) {
            table.row("  " + name(percent), PerplexityCommand.number(percentile(percent)));
        }
        table.row("same top token", RunReport.percent(sameTop.value()) + " +- " + RunReport.percent(sameTop.error()));
    }

    /// Returns the figures under the names that `--json` prints.
    Map<String, Object> fields() {
        double ratio = Math.exp(logRatio.value());
        Map<String, Object> percentiles = new LinkedHashMap<>();
        for (double percent : PERCENTILES) {
            percentiles.put(name(percent), percentile(percent));
        }
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("perplexity_ratio", ratio);
        fields.put("perplexity_ratio_error", ratio * logRatio.error());
        fields.put("kl_divergence", divergence.value());
        fields.put("kl_divergence_error", divergence.error());
        fields.put("kl_divergence_most", percentile(100));
        fields.put("kl_divergence_percentiles", percentiles);
        fields.put("same_top", sameTop.value());
        fields.put("same_top_error", sameTop.error());
        return fields;
    }

    /// Returns the value below which `percent` of all are, between two values in proportion.
    private double percentile(double percent) {
        double[] sorted = Arrays.copyOf(values, count);
        Arrays.sort(sorted);
        double rank = percent / 100 * (count - 1);
        int below = (int) rank;
        int above = Math.min(below + 1, count - 1);
        return sorted[below] + (rank - below) * (sorted[above] - sorted[below]);
    }

    private static String name(double percent) {
        return percent == 50 ? "median" : (percent == Math.rint(percent) ? "" + (int) percent : "" + percent) + " %";
    }
}
