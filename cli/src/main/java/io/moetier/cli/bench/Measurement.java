package io.moetier.cli.bench;

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
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }

    double least() {
        return sorted.getFirst();
    }

    double most() {
        return sorted.getLast();
    }
}
