package io.moetier.runtime.text;

import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What `tokenizer_config.json` says of the special tokens; empty where it says nothing.
///
/// @param addBosToken whether a text begins with [#bosToken()], if the file decides it
/// @param addEosToken whether a text ends with [#eosToken()], if the file decides it
record TokenizerConfig(
        Optional<String> bosToken,
        Optional<String> eosToken,
        Optional<Boolean> addBosToken,
        Optional<Boolean> addEosToken) {
    static final TokenizerConfig EMPTY =
            new TokenizerConfig(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());

    static TokenizerConfig read(Path file) {
        JsonObject json = Json.readObject(file);
        return new TokenizerConfig(
                token(json, "bos_token"),
                token(json, "eos_token"),
                json.optionalBoolean("add_bos_token"),
                json.optionalBoolean("add_eos_token"));
    }

    /// Reads a token that is written as a string or as an object whose `content` is the string.
    private static Optional<String> token(JsonObject json, String key) {
        @Nullable Object value = json.asMap().get(key);
        return value instanceof Map ? json.requireObject(key).optionalString("content") : json.optionalString(key);
    }
}
