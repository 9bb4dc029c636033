package io.moetier.lab.cost;

import io.moetier.storage.format.JsonObject;
import java.util.LinkedHashMap;
import java.util.Map;

/// What a layer waits for experts that are not in memory: `first + misses * each`, both a time plus a time per byte of
/// one expert.
///
/// `first` is what the first one takes longer than those after it: loaders wake up, and for it alone only one of them
/// has work. `each` is the time from one arrival to the next, reading, checking and joining included.
///
/// @param firstSeconds may be below zero, where a later load is held up by an earlier one
/// @param overlap the share of the work on experts in memory that is done meanwhile: 1 where loads need the disk alone,
///     0 where loaders and kernels want the same cores
/// @param ahead what is left of the waits if experts are loaded ahead
public record LoadCosts(
        double firstSeconds,
        double firstSecondsPerByte,
        double eachSeconds,
        double eachSecondsPerByte,
        double overlap,
        LoadingAhead ahead) {
    /// Returns how long it takes until so many experts of `bytes` bytes are there.
    public double seconds(int misses, double bytes) {
        double first = firstSeconds + firstSecondsPerByte * bytes;
        double each = eachSeconds + eachSecondsPerByte * bytes;
        return misses == 0 ? 0 : Math.max(0, first + misses * each);
    }

    Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("first_seconds", firstSeconds);
        fields.put("first_seconds_per_byte", firstSecondsPerByte);
        fields.put("each_seconds", eachSeconds);
        fields.put("each_seconds_per_byte", eachSecondsPerByte);
        fields.put("overlap", overlap);
        fields.put("ahead", ahead.fields());
        return fields;
    }

    static LoadCosts parse(JsonObject json) {
        return new LoadCosts(
                DecodeCosts.seconds(json, "first_seconds", -1),
                DecodeCosts.seconds(json, "first_seconds_per_byte", -1),
                DecodeCosts.seconds(json, "each_seconds", 0),
                DecodeCosts.seconds(json, "each_seconds_per_byte", 0),
                share(json, "overlap"),
                json.optionalObject("ahead").map(LoadingAhead::parse).orElse(LoadingAhead.UNKNOWN));
    }

    static double share(JsonObject json, String key) {
        double share = json.requireDouble(key);
        if (!(share >= 0 && share <= 1)) {
            throw json.unexpected(key, "a share from 0 to 1", share);
        }
        return share;
    }
}
