package io.moetier.lab.throughput;

import java.util.LinkedHashMap;
import java.util.Map;

/// A figure and the interval in which it lies with a probability of 95 %.
public record Estimate(double value, double low, double high) {
    private static final double TAIL = 0.025;

    /// Returns the interval of resampled figures, by their percentiles (Efron 1979).
    static Estimate of(double value, double[] sorted) {
        return new Estimate(value, Medians.ofSorted(sorted, TAIL), Medians.ofSorted(sorted, 1 - TAIL));
    }

    /// Returns how many such things go into one: from seconds to a rate.
    public Estimate perSecond(double count) {
        return new Estimate(count / value, count / high, count / low);
    }

    /// Returns the fields of a file.
    Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("value", value);
        fields.put("low", low);
        fields.put("high", high);
        return fields;
    }
}
