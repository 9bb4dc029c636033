package io.moetier.runtime.text.bounded;

import io.moetier.storage.format.JsonObject;
import org.jspecify.annotations.Nullable;

/// What may be the id of a token.
final class VocabularyIds {
    private VocabularyIds() {}

    /// Requires that the value at `key` is an id that 32 bits hold.
    static void require(JsonObject json, String key) {
        require(json, key, json.value(key));
    }

    static void require(JsonObject json, String key, @Nullable Object value) {
        if (!(value instanceof Integer id) || id < 0) {
            throw json.unexpected(key, "an id from 0 to " + Integer.MAX_VALUE, value);
        }
    }
}
