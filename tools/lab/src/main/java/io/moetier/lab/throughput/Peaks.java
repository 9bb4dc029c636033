package io.moetier.lab.throughput;

import io.moetier.storage.format.JsonObject;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// The most that hardware gives, each as measured or published; nothing where nobody knows.
///
/// They bound what takes work by time, as far as they are the true ones: its bytes come and its operations are
/// done, the longest of which counts, for all go on at once. Those that are measured are estimates, and a part
/// whose weights a nearer cache holds than those of the whole model is faster than memory lets it be (Williams,
/// Waterman and Patterson, "Roofline: an insightful visual performance model for multicore architectures", CACM
/// 52(4), 2009).
///
/// @param bytesPerSecond memory as what computes reads it
/// @param operationsPerSecond of kernels whose weights no memory holds up
/// @param diskBytesPerSecond the disk, or the page cache where files are read from there
/// @param linkBytesPerSecond from main memory to a device
public record Peaks(
        OptionalDouble bytesPerSecond,
        OptionalDouble operationsPerSecond,
        OptionalDouble diskBytesPerSecond,
        OptionalDouble linkBytesPerSecond) {
    /// What bounds.
    public enum Bound {
        MEMORY,
        ARITHMETIC,
        DISK,
        LINK;

        /// Returns the name for people.
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// Returns the seconds that work takes at least.
    public double seconds(Work work) {
        double most = 0;
        for (Bound bound : Bound.values()) {
            most = Math.max(most, seconds(bound, work));
        }
        return most;
    }

    /// Returns what takes the longest; nothing if there is no work whose peak is known.
    public Optional<Bound> bound(Work work) {
        Optional<Bound> longest = Optional.empty();
        double most = 0;
        for (Bound bound : Bound.values()) {
            if (seconds(bound, work) > most) {
                most = seconds(bound, work);
                longest = Optional.of(bound);
            }
        }
        return longest;
    }

    private double seconds(Bound bound, Work work) {
        return switch (bound) {
            case MEMORY -> ratio(work.bytes(), bytesPerSecond);
            case ARITHMETIC -> ratio(work.operations(), operationsPerSecond);
            case DISK -> ratio(work.diskBytes(), diskBytesPerSecond);
            case LINK -> ratio(work.linkBytes(), linkBytesPerSecond);
        };
    }

    private static double ratio(double work, OptionalDouble peak) {
        return peak.isPresent() ? work / peak.getAsDouble() : 0;
    }

    /// Returns the fields of a file.
    Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        bytesPerSecond.ifPresent(rate -> fields.put("memory_bytes_per_second", rate));
        operationsPerSecond.ifPresent(rate -> fields.put("operations_per_second", rate));
        diskBytesPerSecond.ifPresent(rate -> fields.put("disk_bytes_per_second", rate));
        linkBytesPerSecond.ifPresent(rate -> fields.put("link_bytes_per_second", rate));
        return fields;
    }

    static Peaks parse(JsonObject json) {
        return new Peaks(
                rate(json, "memory_bytes_per_second"),
                rate(json, "operations_per_second"),
                rate(json, "disk_bytes_per_second"),
                rate(json, "link_bytes_per_second"));
    }

    private static OptionalDouble rate(JsonObject json, String key) {
        Optional<Double> rate = json.optionalDouble(key);
        if (rate.isPresent() && !(rate.get() > 0 && rate.get() < 1e18)) {
            throw json.unexpected(key, "a rate above 0", rate.get());
        }
        return rate.isPresent() ? OptionalDouble.of(rate.get()) : OptionalDouble.empty();
    }
}
