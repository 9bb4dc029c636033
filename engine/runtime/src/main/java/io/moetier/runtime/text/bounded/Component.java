package io.moetier.runtime.text.bounded;

import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// One step of a tokenizer, and the walk through steps that are lists of others.
record Component(String type, JsonObject json) {
    private static final String TYPE = "type";
    private static final String SEQUENCE = "Sequence";
    private static final int MOST_DEPTH = 30;

    /// Returns the steps at `key`, in the order in which they are taken.
    ///
    /// @param list the key at which a sequence has its steps
    static List<Component> read(JsonObject file, String key, String list) {
        List<Component> steps = new ArrayList<>();
        Optional<JsonObject> first = file.optionalObject(key);
        first.ifPresent(json -> collect(json, list, steps, 0));
        return steps;
    }

    private static void collect(JsonObject json, String list, List<Component> steps, int depth) {
        String type = json.requireString(TYPE);
        if (!type.equals(SEQUENCE)) {
            steps.add(new Component(type, json));
            return;
        }
        if (depth == MOST_DEPTH) {
            throw json.unexpected(TYPE, "at most " + MOST_DEPTH + " sequences in one another", "more");
        }
        for (JsonObject step : json.requireObjects(list)) {
            collect(step, list, steps, depth + 1);
        }
    }

    /// Returns the error for a type that is not known.
    MalformedModelException unknown(String known) {
        return json.unexpected(TYPE, "one of " + known, type);
    }

    boolean flag(String key, boolean absent) {
        return json.optionalBoolean(key).orElse(absent);
    }
}
