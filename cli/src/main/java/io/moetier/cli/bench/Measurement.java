package io.moetier.cli.bench;

import io.moetier.lab.throughput.Medians;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// Repeated values of one quantity.
public final class Measurement {
    private final List<Double> sorted = new ArrayList<>();

    void add(double value) {
        sorted.add(value);
        Collections.sort(sorted);
    }

    void clear() {
        sorted.clear();
    }

    int count() {
        return sorted.size();
    }

    /// Returns the middle value, or the mean of the two in the middle.
    double median() {
        return Medians.of(sorted.stream().mapToDouble(value -> value).toArray());
    }

    double least() {
        return sorted.getFirst();
    }

    double most() {
        return sorted.getLast();
    }
}
