package io.moetier.lab.throughput;

import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The points of a sweep, as they are kept in a file.
///
/// @param model what was measured
/// @param device what computed
public record Throughput(String model, String device, List<Measured> cases) {
    /// What a file begins with: its kind, and after the stroke the version.
    public static final String FORMAT = "moetier-throughput/1";

    private static final int MOST_CASES = 1000;

    public Throughput {
        cases = List.copyOf(cases);
    }

    /// Returns the fields of a file, to which more may be added.
    public Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("format", FORMAT);
        fields.put("model", model);
        fields.put("device", device);
        fields.put("cases", cases.stream().map(Measured::fields).toList());
        return fields;
    }

    /// Reads a file.
    ///
    /// @throws MalformedModelException if it is none, or of another version
    public static Throughput read(Path file) {
        JsonObject json = Json.readObject(file);
        String format = json.requireString("format");
        if (!format.equals(FORMAT)) {
            throw json.unexpected("format", FORMAT + ", the version that this program reads", format);
        }
        List<JsonObject> all = json.requireObjects("cases");
        if (all.isEmpty() || all.size() > MOST_CASES) {
            throw json.unexpected("cases", "1 to " + MOST_CASES, all.size());
        }
        List<Measured> cases = new ArrayList<>();
        for (JsonObject each : all) {
            cases.add(Measured.parse(each));
        }
        return new Throughput(json.requireString("model"), json.requireString("device"), cases);
    }
}
