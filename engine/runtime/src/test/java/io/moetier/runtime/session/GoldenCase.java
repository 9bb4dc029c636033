package io.moetier.runtime.session;

import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.format.SafetensorsFile;
import io.moetier.testdata.TestData;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// A golden case: what an independent implementation computed for a tiny random model.
///
/// @param logits `[prompt, vocab]`
/// @param routerIds by decoder layer, `[prompt][k]`
@SuppressWarnings("ArrayRecordComponent") // nobody compares cases
record GoldenCase(
        Path directory, int[] inputIds, int[] greedyIds, float[] logits, Map<Integer, List<List<Integer>>> routerIds) {
    static GoldenCase read(String name) {
        return read(TestData.golden(name), "logits");
    }

    /// Reads a case whose logits are called `logits`.
    static GoldenCase read(Path directory, String logits) {
        JsonObject reference = Json.readObject(directory.resolve("reference.json"));
        Map<Integer, List<List<Integer>>> routerIds = new LinkedHashMap<>();
        for (JsonObject layer : reference.requireObjects("router")) {
            routerIds.put(layer.requireInt("layer"), intRows(layer, "expert_ids"));
        }
        try (SafetensorsFile file = SafetensorsFile.open(directory.resolve("logits.safetensors"))) {
            return new GoldenCase(
                    directory,
                    ints(reference, "input_ids"),
                    ints(reference, "greedy_ids"),
                    file.readFloats(logits),
                    routerIds);
        }
    }

    static int[] ints(JsonObject object, String key) {
        return object.optionalInts(key).orElseThrow().stream()
                .mapToInt(Integer::intValue)
                .toArray();
    }

    @SuppressWarnings("unchecked") // the committed file has this shape
    private static List<List<Integer>> intRows(JsonObject object, String key) {
        return Objects.requireNonNull((List<List<Integer>>) object.asMap().get(key));
    }
}
