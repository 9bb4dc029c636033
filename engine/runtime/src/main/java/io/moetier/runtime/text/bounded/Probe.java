package io.moetier.runtime.text.bounded;

import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Tokens of which normalizers must leave something, since the library would find an empty one everywhere, and a
/// tokenizer of the same normalizers that tells: it has no token for a text that becomes empty, and one for any other.
///
/// @param json the text of its `tokenizer.json`
public record Probe(String json, List<String> tokens) {
    static Probe of(JsonObject file, List<String> tokens) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("version", "1.0");
        json.put("added_tokens", List.of());
        json.put("normalizer", file.value("normalizer"));
        json.put("model", Map.of("type", "WordLevel", "vocab", Map.of("?", 0), "unk_token", "?"));
        return new Probe(Json.write(json), List.copyOf(tokens));
    }
}
