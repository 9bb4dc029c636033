package io.moetier.lab.cluster;

import java.util.Comparator;
import java.util.EnumMap;
import java.util.Map;

/// What the time of a token consists of, in seconds.
///
/// @param seconds of every part; they add up to the whole
public record Parts(Map<Part, Double> seconds) {
    public Parts {
        seconds = new EnumMap<>(seconds);
    }

    /// A part.
    public enum Part {
        DRIVER("attention and routers at the driver"),
        LINKS("links"),
        EXPERTS("experts computed from memory"),
        DISK("experts that come from disk"),
        IMBALANCE("waiting for the busiest machine");

        private final String label;

        Part(String label) {
            this.label = label;
        }

        /// Returns what it is, for people.
        public String label() {
            return label;
        }
    }

    /// Returns all of it.
    double total() {
        return seconds.values().stream().mapToDouble(each -> each).sum();
    }

    /// Returns the share of a part.
    public double share(Part part) {
        return seconds.getOrDefault(part, 0.0) / total();
    }

    /// Returns the largest.
    public Part largest() {
        return seconds.entrySet().stream()
                .max(Comparator.comparingDouble(Map.Entry::getValue))
                .map(Map.Entry::getKey)
                .orElse(Part.DRIVER);
    }
}
