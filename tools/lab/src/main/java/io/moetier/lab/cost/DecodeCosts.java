package io.moetier.lab.cost;

import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.DType;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/// What decoding a token costs where the CPU computes, as far as a speed of memory does not tell it. All is measured by
/// `moetier doctor` with the engine's own kernels and loaders, on weights made for that.
///
/// Caches make a difference beyond the weights: where more is read in turn than they hold, the operations between the
/// matrices begin with inputs, keys and code that have to come from memory too.
///
/// @param reading how fast the kernels read weights of a type, in bytes a second
/// @param layerSeconds what a layer takes beside reading weights, however wide it is
/// @param widthSeconds what it takes beside for each element of the residual stream: norms, packing, attention
/// @param expertSeconds what one more expert in a layer takes beside reading it
/// @param logitSeconds what sampling a token takes for each token of the vocabulary
/// @param fromDisk missing experts that are read past the page cache
/// @param fromPageCache missing experts of a file that the system keeps in memory
public record DecodeCosts(
        Map<DType, ByWorkingSet> reading,
        ByWorkingSet layerSeconds,
        ByWorkingSet widthSeconds,
        ByWorkingSet expertSeconds,
        double logitSeconds,
        LoadCosts fromDisk,
        LoadCosts fromPageCache) {
    public DecodeCosts {
        Map<DType, ByWorkingSet> sorted = new EnumMap<>(DType.class);
        sorted.putAll(reading);
        reading = sorted;
    }

    /// Returns how fast weights of a type are read if so many bytes are read in turn; nothing for a type that was not
    /// measured.
    public OptionalDouble bytesPerSecond(DType type, double workingSet) {
        ByWorkingSet rates = reading.get(type);
        return rates == null ? OptionalDouble.empty() : OptionalDouble.of(rates.at(workingSet));
    }

    /// Returns what a layer of some width takes beside reading weights.
    public double layerSeconds(int width, double workingSet) {
        return layerSeconds.at(workingSet) + width * widthSeconds.at(workingSet);
    }

    /// Returns the costs with a disk that is so many times as fast.
    DecodeCosts withDiskTimes(double factor) {
        LoadCosts faster = new LoadCosts(
                fromDisk.firstSeconds(),
                fromDisk.firstSecondsPerByte() / factor,
                fromDisk.eachSeconds(),
                fromDisk.eachSecondsPerByte() / factor,
                fromDisk.overlap(),
                fromDisk.ahead());
        return withLoads(faster, fromPageCache);
    }

    /// Returns the costs for a model whose file the system keeps in memory.
    DecodeCosts withCachedFiles() {
        return withLoads(fromPageCache, fromPageCache);
    }

    private DecodeCosts withLoads(LoadCosts disk, LoadCosts cache) {
        return new DecodeCosts(reading, layerSeconds, widthSeconds, expertSeconds, logitSeconds, disk, cache);
    }

    /// Returns the fields of a profile's file.
    public Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("layer_seconds", layerSeconds.fields());
        fields.put("width_seconds", widthSeconds.fields());
        fields.put("expert_seconds", expertSeconds.fields());
        fields.put("logit_seconds", logitSeconds);
        fields.put("from_disk", fromDisk.fields());
        fields.put("from_page_cache", fromPageCache.fields());
        Map<String, Object> rates = new LinkedHashMap<>();
        reading.forEach((type, of) -> rates.put(type.label(), of.fields()));
        fields.put("bytes_per_second", rates);
        return fields;
    }

    static DecodeCosts parse(JsonObject json) {
        JsonObject rates = json.requireObject("bytes_per_second");
        Map<DType, ByWorkingSet> reading = new EnumMap<>(DType.class);
        for (String label : rates.keys()) {
            DType type = Stream.of(DType.values())
                    .filter(each -> each.label().equals(label))
                    .findFirst()
                    .orElseThrow(() -> json.unexpected("bytes_per_second", "types of weights", label));
            reading.put(type, ByWorkingSet.parseRates(rates, label));
        }
        return new DecodeCosts(
                reading,
                ByWorkingSet.parseSeconds(json, "layer_seconds"),
                ByWorkingSet.parseSeconds(json, "width_seconds"),
                ByWorkingSet.parseSeconds(json, "expert_seconds"),
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
}
