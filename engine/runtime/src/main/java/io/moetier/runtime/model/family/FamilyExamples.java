package io.moetier.runtime.model.family;

import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/// A configuration of each family as its checkpoints have it, as far as some family's description asks for its keys.
final class FamilyExamples {
    static final String RESOURCE = "families.json";
    static final String CONFIGURATIONS = "configurations";
    static final String UNREAD = "unread";

    private static final JsonObject ALL = read();

    private FamilyExamples() {}

    /// Returns the example of a family.
    static JsonObject of(String modelType) {
        Map<String, Object> config = new LinkedHashMap<>(
                ALL.requireObject(CONFIGURATIONS).requireObject(modelType).asMap());
        config.put("model_type", modelType);
        return Json.parseObject(Json.write(config).getBytes(StandardCharsets.UTF_8), Path.of(RESOURCE));
    }

    /// Returns the keys that configurations have and no description asks for, with dots between those of nested
    /// objects: how the model was trained, who wrote the file.
    static Set<String> unread() {
        return Set.copyOf(ALL.optionalStrings(UNREAD).orElseThrow());
    }

    private static JsonObject read() {
        try (InputStream in = FamilyExamples.class.getResourceAsStream(RESOURCE)) {
            return Json.parseObject(Objects.requireNonNull(in, RESOURCE).readAllBytes(), Path.of(RESOURCE));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
