package io.moetier.lab.throughput;

import io.moetier.storage.format.JsonObject;
import java.util.LinkedHashMap;
import java.util.Map;

/// What a step consists of, by the kind of its parts, in the order in which they come.
///
/// @param byKind time and work of one step
public record Parts(Map<String, Part> byKind) {
    /// The kind of what stands still for want of an expert.
    public static final String WAITS = "waits for experts";

    /// The kind of what goes on between the steps.
    public static final String SAMPLING = "sampling";

    /// What a kind of parts takes in one step.
    ///
    /// @param seconds as measured
    /// @param work as the model's description has it
    public record Part(double seconds, Work work) {
        Part plus(Part other) {
            return new Part(seconds + other.seconds, work.plus(other.work));
        }
    }

    public Parts {
        byKind = new LinkedHashMap<>(byKind);
    }

    /// Adds a part.
    public void add(String kind, double seconds, Work work) {
        byKind.merge(kind, new Part(seconds, work), Part::plus);
    }

    /// Returns the seconds of a kind.
    public double seconds(String kind) {
        return byKind.containsKey(kind) ? byKind.get(kind).seconds() : 0;
    }

    /// Returns the seconds of all parts.
    public double seconds() {
        return byKind.values().stream().mapToDouble(Part::seconds).sum();
    }

    /// Returns the share of these that a kind takes.
    public double share(String kind) {
        return seconds() == 0 ? 0 : seconds(kind) / seconds();
    }

    /// Returns the work of all parts.
    public Work work() {
        return byKind.values().stream().map(Part::work).reduce(Work.NONE, Work::plus);
    }

    /// Returns the seconds of a step at least: of its parts one after another, beside which loads go on.
    public double bound(Peaks peaks) {
        double computed = byKind.values().stream()
                .mapToDouble(part ->
                        peaks.seconds(new Work(part.work().bytes(), part.work().operations(), 0, 0)))
                .sum();
        Work all = work();
        return Math.max(computed, peaks.seconds(new Work(0, 0, all.diskBytes(), all.linkBytes())));
    }

    /// Returns the fields of a file.
    Map<String, Object> fields(Peaks peaks) {
        Map<String, Object> fields = new LinkedHashMap<>();
        byKind.forEach((kind, part) -> {
            Map<String, Object> of = new LinkedHashMap<>();
            of.put("seconds", part.seconds());
            of.put("bytes", part.work().bytes());
            of.put("operations", part.work().operations());
            of.put("disk_bytes", part.work().diskBytes());
            of.put("link_bytes", part.work().linkBytes());
            peaks.bound(part.work()).ifPresent(bound -> {
                of.put("bound", bound.label());
                of.put("of_bound", part.seconds() == 0 ? 0 : peaks.seconds(part.work()) / part.seconds());
            });
            fields.put(kind, of);
        });
        return fields;
    }

    static Parts parse(JsonObject json) {
        Parts parts = new Parts(Map.of());
        for (String kind : json.keys()) {
            JsonObject part = json.requireObject(kind);
            parts.add(
                    kind,
                    part.requireDouble("seconds"),
                    new Work(
                            part.requireDouble("bytes"),
                            part.requireDouble("operations"),
                            part.requireDouble("disk_bytes"),
                            part.requireDouble("link_bytes")));
        }
        return parts;
    }
}
