package io.moetier.cli.profiles;

import io.moetier.runtime.trace.Census;
import io.moetier.storage.format.JsonObject;
import java.util.LinkedHashMap;
import java.util.Map;

/// A census and the name of the model that it counts, as they stand in a profile's file: the fields of a census and
/// `model`.
///
/// @param model as people call it; empty if the file is older than the field
record CountedModel(String model, Census census) {
    private static final int MOST_CHARS = 255; // a file's name

    /// Reads what [#toMap()] wrote.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if it is something else
    static CountedModel parse(JsonObject json) {
        String model = json.optionalString("model").orElse("");
        if (model.length() > MOST_CHARS) {
            throw json.unexpected("model", "at most " + MOST_CHARS + " characters", model.length());
        }
        return new CountedModel(model, Census.parse(json));
    }

    /// Returns the fields of the file.
    Map<String, Object> toMap() {
        Map<String, Object> fields = new LinkedHashMap<>(census.toMap());
        fields.put("model", model);
        return fields;
    }
}
