package io.moetier.engine.offload;

import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.DType;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.stream.Stream;

/// What decoding a token costs where the CPU computes, as far as a speed of memory does not tell it. All is measured by
/// `moetier doctor` with the engine's own kernels and loaders, on weights made for that.
///
/// @param reading how fast the kernels read weights of a type, in bytes a second, by the bytes of all weights that are
///     read in turn: what caches hold comes faster
/// @param widthSeconds what a layer takes beside reading weights for each element of the residual stream: norms,
/// packing
/// @param expertSeconds what one more expert in a layer takes beside reading it
/// @param logitSeconds what sampling a token takes for each token of the vocabulary
/// @param fromDisk missing experts that are read past the page cache
/// @param fromPageCache missing experts of a file that the system keeps in memory
public record DecodeCosts(
        Map<DType, Map<Long, Double>> reading,
        double widthSeconds,
        double expertSeconds,
        double logitSeconds,
        LoadCosts fromDisk,
        LoadCosts fromPageCache) {
    public DecodeCosts {
        Map<DType, Map<Long, Double>> sorted = new EnumMap<>(DType.class);
        reading.forEach((type, rates) -> sorted.put(type, new TreeMap<>(rates)));
        reading = sorted;
    }

    /// Returns how fast weights of a type are read if so many bytes are read in turn: as measured, between two
    /// measurements by the logarithm of the bytes; nothing for a type that was not measured.
    public OptionalDouble bytesPerSecond(DType type, double workingSet) {
        TreeMap<Long, Double> rates = new TreeMap<>(reading.getOrDefault(type, Map.of()));
        if (rates.isEmpty()) {
            return OptionalDouble.empty();
        }
        long bytes = Math.clamp((long) workingSet, rates.firstKey(), rates.lastKey());
        Map.Entry<Long, Double> below = rates.floorEntry(bytes);
        Map.Entry<Long, Double> above = rates.ceilingEntry(bytes);
        if (below.getKey().equals(above.getKey())) {
            return OptionalDouble.of(below.getValue());
        }
        double share = Math.log((double) bytes / below.getKey()) / Math.log((double) above.getKey() / below.getKey());
        return OptionalDouble.of(below.getValue() + share * (above.getValue() - below.getValue()));
    }

    /// Returns the costs for a model whose file the system keeps in memory.
    DecodeCosts withCachedFiles() {
        return new DecodeCosts(reading, widthSeconds, expertSeconds, logitSeconds, fromPageCache, fromPageCache);
    }

    /// Returns the fields of a profile's file.
    public Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("width_seconds", widthSeconds);
        fields.put("expert_seconds", expertSeconds);
        fields.put("logit_seconds", logitSeconds);
        fields.put("from_disk", fromDisk.fields());
        fields.put("from_page_cache", fromPageCache.fields());
        Map<String, Object> rates = new LinkedHashMap<>();
        reading.forEach((type, of) -> rates.put(type.label(), ofSizes(of)));
        fields.put("bytes_per_second", rates);
        return fields;
    }

    static DecodeCosts parse(JsonObject json) {
        JsonObject rates = json.requireObject("bytes_per_second");
        Map<DType, Map<Long, Double>> reading = new EnumMap<>(DType.class);
        for (String label : rates.keys()) {
            DType type = Stream.of(DType.values())
                    .filter(each -> each.label().equals(label))
                    .findFirst()
                    .orElseThrow(() -> json.unexpected("bytes_per_second", "types of weights", label));
            reading.put(type, sizes(rates.requireObject(label)));
        }
        return new DecodeCosts(
                reading,
                seconds(json, "width_seconds", 0),
                seconds(json, "expert_seconds", 0),
                seconds(json, "logit_seconds", 0),
                LoadCosts.parse(json.requireObject("from_disk")),
                LoadCosts.parse(json.requireObject("from_page_cache")));
    }

    /// Returns a time in seconds, or seconds per byte.
    static double seconds(JsonObject json, String key, double least) {
        double seconds = json.requireDouble(key);
        if (!(seconds >= least && seconds < 1)) {
            throw json.unexpected(key, "seconds, from " + least + " to 1", seconds);
        }
        return seconds;
    }

    private static Map<String, Object> ofSizes(Map<Long, Double> rates) {
        Map<String, Object> fields = new LinkedHashMap<>();
        rates.forEach((bytes, rate) -> fields.put(bytes.toString(), rate));
        return fields;
    }

    private static Map<Long, Double> sizes(JsonObject json) {
        Map<Long, Double> rates = new TreeMap<>();
        for (String bytes : json.keys()) {
            double rate = json.requireDouble(bytes);
            if (!bytes.matches("[1-9][0-9]{0,17}") || !(rate > 0 && rate < 1e18)) {
                throw json.unexpected(bytes, "bytes, and bytes per second", rate);
            }
            rates.put(Long.parseLong(bytes), rate);
        }
        return rates;
    }
}
