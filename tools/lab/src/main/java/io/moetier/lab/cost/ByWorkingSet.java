package io.moetier.lab.cost;

import io.moetier.storage.format.JsonObject;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/// A figure that depends on how many bytes of weights are read in turn: caches hold these bytes, or they do not.
///
/// @param points the figure for numbers of bytes; one at least
public record ByWorkingSet(SortedMap<Long, Double> points) {
    private static final double MOST = 1e18;

    /// @throws IllegalArgumentException if there are no points
    public ByWorkingSet {
        points = new TreeMap<>(points);
        if (points.isEmpty()) {
            throw new IllegalArgumentException("a figure without points");
        }
    }

    /// Returns the figure that has these values.
    public static ByWorkingSet of(Map<Long, Double> points) {
        return new ByWorkingSet(new TreeMap<>(points));
    }

    /// Returns the figure as measured, between two measurements by the inverse of the bytes: of what is read
    /// in turn, the share that caches of some size hold falls so.
    public double at(double workingSet) {
        TreeMap<Long, Double> sorted = new TreeMap<>(points);
        long bytes = Math.clamp((long) workingSet, sorted.firstKey(), sorted.lastKey());
        Map.Entry<Long, Double> below = sorted.floorEntry(bytes);
        Map.Entry<Long, Double> above = sorted.ceilingEntry(bytes);
        if (below.getKey().equals(above.getKey())) {
            return below.getValue();
        }
        double share = (1.0 / below.getKey() - 1.0 / bytes) / (1.0 / below.getKey() - 1.0 / above.getKey());
        return below.getValue() + share * (above.getValue() - below.getValue());
    }

    /// Returns the fields of a profile's file.
    Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        points.forEach((bytes, figure) -> fields.put(bytes.toString(), figure));
        return fields;
    }

    /// Reads speeds.
    static ByWorkingSet parseRates(JsonObject json, String key) {
        return parse(json, key, "bytes per second", Double.MIN_VALUE, MOST);
    }

    /// Reads times.
    static ByWorkingSet parseSeconds(JsonObject json, String key) {
        return parse(json, key, "seconds", 0, 1);
    }

    private static ByWorkingSet parse(JsonObject parent, String key, String unit, double least, double end) {
        JsonObject json = parent.requireObject(key);
        Map<Long, Double> points = new TreeMap<>();
        for (String bytes : json.keys()) {
            double figure = json.requireDouble(bytes);
            if (!bytes.matches("[1-9][0-9]{0,17}") || !(figure >= least && figure < end)) {
                throw json.unexpected(bytes, "bytes, and " + unit, figure);
            }
            points.put(Long.parseLong(bytes), figure);
        }
        if (points.isEmpty()) {
            throw parent.unexpected(key, "bytes, and " + unit, "none");
        }
        return of(points);
    }
}
