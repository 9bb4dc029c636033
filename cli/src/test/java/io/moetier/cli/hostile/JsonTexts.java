package io.moetier.cli.hostile;

import io.moetier.storage.format.Json;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/// JSON files that differ from a sound one in one place.
final class JsonTexts {
    private static final int DEEP = 100_000;
    private static final int LONG_NUMBER = 200_000;

    private JsonTexts() {}

    /// Returns a copy of a file's object, changed by `change`, as text.
    static String changed(Path file, Consumer<Map<String, Object>> change) {
        Map<String, Object> object = new LinkedHashMap<>(Json.readObject(file).asMap());
        change.accept(object);
        return Json.write(object);
    }

    /// Returns texts that are hostile wherever an object is expected; `sound` is a sound one.
    static Map<String, String> hostile(String sound) {
        String open = sound.strip().substring(0, sound.strip().length() - 1);
        Map<String, String> texts = new LinkedHashMap<>();
        texts.put("empty", "");
        texts.put("array", "[]");
        texts.put("object", "{}");
        texts.put("word", "hello");
        texts.put("half", sound.substring(0, sound.length() / 2));
        texts.put("deep-array", open + ",\"x\":" + "[".repeat(DEEP) + "]".repeat(DEEP) + "}");
        texts.put("deep-object", open + ",\"x\":" + "{\"x\":".repeat(DEEP) + "1" + "}".repeat(DEEP) + "}");
        texts.put("long-number", open + ",\"x\":" + "9".repeat(LONG_NUMBER) + "}");
        texts.put("infinity", open + ",\"x\":1e999}");
        texts.put("byte-order-mark", "\ufeff" + sound);
        texts.put("nul", open + ",\"x\":\"\u0000\"}");
        texts.put("escape", open + ",\u001b[31m}");
        return texts;
    }

    /// Returns the objects of a list of a JSON object.
    @SuppressWarnings("unchecked")
    static Map<String, Object> object(Map<String, Object> parent, String key) {
        return (Map<String, Object>) java.util.Objects.requireNonNull(parent.get(key));
    }

    @SuppressWarnings("unchecked")
    static List<Object> list(Map<String, Object> parent, String key) {
        return (List<Object>) java.util.Objects.requireNonNull(parent.get(key));
    }
}
