package io.moetier.cli.hostile;

import io.moetier.storage.format.Json;
import io.moetier.testdata.TestData;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The smallest golden model with a tokenizer of as many pieces, cut from that of tiny-mixtral.
final class TextModel {
    private static final int VOCABULARY = 320;
    private static final int LETTERS = 50;

    private TextModel() {}

    /// Makes the model as a folder of links and two files of its own.
    static Path in(InputFolder folder, String name) {
        Path model = folder.linked(name, TestData.golden("mixtral"));
        InputFolder.replace(model, "tokenizer.json", Json.write(tokenizer()));
        InputFolder.replace(model, "tokenizer_config.json", Json.write(tokenizerConfig()));
        return model;
    }

    static Map<String, Object> tokenizerConfig() {
        return new LinkedHashMap<>(Json.readObject(TestData.tinyMixtral().resolve("tokenizer_config.json"))
                .asMap());
    }

    /// Returns a sound `tokenizer.json`, whose maps may be changed: the special pieces and those of bytes, letters, and
    /// as many of their merges as there is room for.
    static Map<String, Object> tokenizer() {
        Map<String, Object> whole =
                new LinkedHashMap<>(Json.readObject(TestData.tinyMixtral().resolve("tokenizer.json"))
                        .asMap());
        Map<String, Object> model = new LinkedHashMap<>(JsonTexts.object(whole, "model"));
        Set<String> pieces = new LinkedHashSet<>();
        Set<String> all = JsonTexts.object(model, "vocab").keySet();
        all.stream().filter(piece -> piece.startsWith("<")).forEach(pieces::add);
        all.stream().filter(piece -> piece.length() == 1).limit(LETTERS).forEach(pieces::add);
        List<Object> merges = merges(JsonTexts.list(model, "merges"), pieces);
        Map<String, Object> vocabulary = new LinkedHashMap<>();
        pieces.forEach(piece -> vocabulary.put(piece, vocabulary.size()));
        model.put("vocab", vocabulary);
        model.put("merges", merges);
        whole.put("model", model);
        return whole;
    }

    /// Takes the merges whose parts are there, adds what they make, and stops when the vocabulary is full.
    private static List<Object> merges(List<Object> all, Set<String> pieces) {
        List<Object> merges = new ArrayList<>();
        for (Object merge : all) {
            List<String> parts = parts(merge);
            if (pieces.size() < VOCABULARY && pieces.containsAll(parts)) {
                pieces.add(String.join("", parts));
                merges.add(merge);
            }
        }
        return merges;
    }

    private static List<String> parts(Object merge) {
        return merge instanceof List<?> pair
                ? pair.stream().map(String::valueOf).toList()
                : List.of(String.valueOf(merge).split(" "));
    }
}
