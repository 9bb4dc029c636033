package io.moetier.cli.models;

import io.moetier.cli.report.Table;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.library.Stores;
import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.model.DType;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/// What the files of a model that is no store say of themselves: metadata, element types, tokenizer.
final class SourceDetails {
    private static final int MOST_CHARACTERS = 60;

    private final Map<String, Object> metadata;
    private final String tokenizer;
    private final TensorTypes types;
    private final int guessing;
    private final int encoding;
    private final Optional<String> pictures;
    private final boolean lacksTower;

    SourceDetails(ModelSource source) {
        metadata = source.metadata();
        tokenizer = source.tokenizer().orElse("none");
        types = TensorTypes.of(source);
        guessing = source.numGuessingTensors();
        encoding = source.numEncoderTensors();
        pictures = Stores.pictures(source);
        lacksTower = source.whyNoPictures().isPresent();
    }

    /// Returns the lines for people.
    String table() {
        Table groups = Table.ofFacts().row("weights", "types");
        types.groups().forEach((group, bytes) -> groups.row(group, text(bytes)));
        Table facts = Table.ofFacts().row("tokenizer", tokenizer);
        Stores.notUsed(guessing, encoding).ifPresent(text -> facts.row("not used", text));
        pictures.ifPresent(text -> facts.row("pictures", text));
        metadata.forEach((key, value) -> facts.row(key, text(value)));
        return groups + "\n" + facts;
    }

    /// Returns the same under the names that `--json` prints.
    Map<String, Object> fields() {
        Map<String, Object> groups = new LinkedHashMap<>();
        types.groups().forEach((group, bytesOfType) -> {
            Map<String, Object> labels = new LinkedHashMap<>();
            bytesOfType.forEach((type, bytes) -> labels.put(type.label(), bytes));
            groups.put(group, labels);
        });
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("tokenizer", tokenizer);
        fields.put("types", groups);
        fields.put("tensors_not_used", guessing + encoding);
        fields.put("tower_missing", lacksTower);
        Map<String, Object> values = new LinkedHashMap<>();
        metadata.forEach((key, value) -> values.put(key, value instanceof List<?> list ? list.size() : value));
        fields.put("metadata", values);
        return fields;
    }

    private static String text(Map<DType, Long> bytesOfType) {
        return bytesOfType.entrySet().stream()
                .map(entry -> entry.getKey().label() + " (" + ByteSize.format(entry.getValue()) + ")")
                .collect(Collectors.joining(", "));
    }

    private static String text(Object value) {
        if (value instanceof List<?> list) {
            return list.size() + " values";
        }
        String text = String.valueOf(value).replaceAll("\\s+", " ");
        return text.codePointCount(0, text.length()) <= MOST_CHARACTERS
                ? text
                : text.substring(0, text.offsetByCodePoints(0, MOST_CHARACTERS)) + "…";
    }
}
