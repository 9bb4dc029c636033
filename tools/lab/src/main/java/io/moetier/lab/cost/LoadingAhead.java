package io.moetier.lab.cost;

import io.moetier.storage.format.JsonObject;
import java.util.LinkedHashMap;
import java.util.Map;

/// What is left of the time that layers wait for missing experts, as a share, if these are loaded ahead as
/// far as they can be guessed. It was measured with experts of two sizes: of small ones a disk reads more a
/// second if it is asked for more at once, and of large ones it does not.
public record LoadingAhead(long smallBytes, double ofSmall, long largeBytes, double ofLarge) {
    /// Where it was not measured, as in profiles of earlier versions: nothing is gained.
    public static final LoadingAhead UNKNOWN = new LoadingAhead(1, 1, 2, 1);

    /// @throws IllegalArgumentException if the large experts are not larger than the small ones
    public LoadingAhead {
        if (!(smallBytes > 0 && largeBytes > smallBytes)) {
            throw new IllegalArgumentException("experts of " + smallBytes + " and of " + largeBytes + " bytes");
        }
    }

    /// Returns the share for experts of `bytes` bytes: between those measured by the logarithm, beyond them the
    /// nearest.
    public double at(double bytes) {
        double between = Math.log(bytes / smallBytes) / Math.log((double) largeBytes / smallBytes);
        return ofSmall + Math.clamp(between, 0, 1) * (ofLarge - ofSmall);
    }

    Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("small_bytes", smallBytes);
        fields.put("of_small", ofSmall);
        fields.put("large_bytes", largeBytes);
        fields.put("of_large", ofLarge);
        return fields;
    }

    static LoadingAhead parse(JsonObject json) {
        long smallBytes = json.requireLong("small_bytes");
        long largeBytes = json.requireLong("large_bytes");
        if (smallBytes < 1) {
            throw json.unexpected("small_bytes", "1 or more", smallBytes);
        }
        if (largeBytes <= smallBytes) {
            throw json.unexpected("large_bytes", "more than small_bytes", largeBytes);
        }
        return new LoadingAhead(
                smallBytes, LoadCosts.share(json, "of_small"), largeBytes, LoadCosts.share(json, "of_large"));
    }
}
