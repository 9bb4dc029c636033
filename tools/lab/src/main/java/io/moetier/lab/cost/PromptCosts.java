package io.moetier.lab.cost;

import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.DType;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/// What a prompt costs where the CPU computes: it is arithmetic that bounds it, not memory. Measured by
/// `moetier doctor`, and kept in the same file as the [MachineProfile].
///
/// @param rowSeconds what one weight of a type takes for one of many tokens that it is multiplied with
public record PromptCosts(Map<DType, Double> rowSeconds) {
    /// The key in the file of a profile.
    public static final String KEY = "prompt_row_seconds";

    public PromptCosts {
        Map<DType, Double> sorted = new EnumMap<>(DType.class);
        sorted.putAll(rowSeconds);
        rowSeconds = sorted;
    }

    /// Returns what one weight takes for one token; nothing for a type that was not measured.
    public OptionalDouble rowSeconds(DType type) {
        Double seconds = rowSeconds.get(type);
        return seconds == null ? OptionalDouble.empty() : OptionalDouble.of(seconds);
    }

    /// Returns the fields of a profile's file.
    public Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        rowSeconds.forEach((type, seconds) -> fields.put(type.label(), seconds));
        return fields;
    }

    /// Reads them from the file of a profile; nothing if they were not measured.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if the file is no profile
    public static Optional<PromptCosts> read(Path file) {
        return Json.readObject(file).optionalObject(KEY).map(PromptCosts::parse);
    }

    private static PromptCosts parse(JsonObject json) {
        Map<DType, Double> seconds = new EnumMap<>(DType.class);
        for (String label : json.keys()) {
            DType type = Stream.of(DType.values())
                    .filter(each -> each.label().equals(label))
                    .findFirst()
                    .orElseThrow(() -> json.unexpected(KEY, "types of weights", label));
            seconds.put(type, DecodeCosts.seconds(json, label, 0));
        }
        return new PromptCosts(seconds);
    }
}
