package io.moetier.runtime.text;

import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What `tokenizer_config.json` says of the special tokens; empty where it says nothing.
///
/// @param addBosToken whether a text begins with [#bosToken()], if the file decides it
/// @param addEosToken whether a text ends with [#eosToken()], if the file decides it
/// @param special what chat templates find by name: each special token, and the list of those that have no name
record TokenizerConfig(
        Optional<String> bosToken,
        Optional<String> eosToken,
        Optional<Boolean> addBosToken,
        Optional<Boolean> addEosToken,
        Map<String, Object> special) {
    static final TokenizerConfig EMPTY =
            new TokenizerConfig(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Map.of());

    private static final List<String> NAMES =
            List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token");
    private static final String UNNAMED = "additional_special_tokens";

    TokenizerConfig {
        special = Map.copyOf(special);
    }

    static TokenizerConfig read(Path file) {
        JsonObject json = Json.readObject(file);
        return new TokenizerConfig(
                token(json, "bos_token"),
                token(json, "eos_token"),
                json.optionalBoolean("add_bos_token"),
                json.optionalBoolean("add_eos_token"),
                special(json.asMap()));
    }

    private static Map<String, Object> special(Map<String, ?> json) {
        Map<String, Object> special = new HashMap<>();
        NAMES.forEach(name -> written(json.get(name)).ifPresent(token -> special.put(name, token)));
        if (json.get(UNNAMED) instanceof List<?> tokens && !tokens.isEmpty()) {
            special.put(
                    UNNAMED,
                    tokens.stream().flatMap(token -> written(token).stream()).toList());
        }
        return special;
    }

    private static Optional<String> written(@Nullable Object token) {
        Object text = token instanceof Map<?, ?> object ? object.get("content") : token;
        return Optional.ofNullable(text instanceof String found ? found : null);
    }

    /// Reads a token that is written as a string or as an object whose `content` is the string.
    private static Optional<String> token(JsonObject json, String key) {
        @Nullable Object value = json.asMap().get(key);
        return value instanceof Map ? json.requireObject(key).optionalString("content") : json.optionalString(key);
    }
}
