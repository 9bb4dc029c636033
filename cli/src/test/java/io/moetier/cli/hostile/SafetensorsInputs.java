package io.moetier.cli.hostile;

import io.moetier.storage.format.Json;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/// Safetensors files and indices: lengths, offsets, shapes and types that are not so, paths that lead elsewhere.
final class SafetensorsInputs {
    private static final Path MODEL = TestData.golden("mixtral");
    private static final String FILE = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";
    private static final String TENSOR = "model.layers.0.self_attn.q_proj.weight";

    private final InputFolder folder;
    private final byte[] whole;
    private final int headerLength;
    private final String header;

    private SafetensorsInputs(InputFolder folder) {
        this.folder = folder;
        try {
            whole = Files.readAllBytes(MODEL.resolve(FILE));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        headerLength =
                (int) ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getLong();
        header = new String(whole, 8, headerLength, StandardCharsets.UTF_8);
    }

    static List<HostileInput> in(Path path) {
        SafetensorsInputs inputs = new SafetensorsInputs(new InputFolder(path));
        inputs.addAll();
        return inputs.folder.inputs();
    }

    private void addAll() {
        add("sound", whole);
        for (long length : new long[] {0, 1, 1L << 60, -1, Integer.MAX_VALUE}) {
            byte[] bytes = whole.clone();
            ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(length);
            add("header-of-" + length, bytes);
        }
        for (int length : new int[] {0, 4, 8, 8 + headerLength / 2, whole.length / 2, whole.length - 1}) {
            add("ends-at-" + length, Arrays.copyOf(whole, length));
        }
        add("zeros", new byte[whole.length]);
        JsonTexts.hostile(header).forEach((name, text) -> add("header-" + name, file(text)));
        tensors();
        indices();
    }

    private void tensors() {
        change("offset-negative", tensor -> tensor.put("data_offsets", List.of(-8, 8)));
        change("offset-huge", tensor -> tensor.put("data_offsets", List.of(0, 1L << 62)));
        change("offset-reversed", tensor -> tensor.put("data_offsets", List.of(8192, 0)));
        change("offset-overlap", tensor -> tensor.put("data_offsets", List.of(0, 8192)));
        change("offset-fraction", tensor -> tensor.put("data_offsets", List.of(0.5, 1.5)));
        change("offset-text", tensor -> tensor.put("data_offsets", "a"));
        change("offset-one", tensor -> tensor.put("data_offsets", List.of(0)));
        change("type-unknown", tensor -> tensor.put("dtype", "\u001b[31mX"));
        change("type-integer", tensor -> tensor.put("dtype", "I8"));
        change("type-number", tensor -> tensor.put("dtype", 3));
        change("shape-negative", tensor -> tensor.put("shape", List.of(-1, -5)));
        change("shape-huge", tensor -> tensor.put("shape", List.of(1L << 62, 4)));
        change("shape-wraps", tensor -> tensor.put("shape", List.of(1L << 32, 1L << 32)));
        change("shape-none", tensor -> tensor.put("shape", List.of()));
        change("shape-text", tensor -> tensor.put("shape", "64"));
        change("name-escape", tensor -> {}, "weird\u001b[31mRED\u001b[2J");
    }

    private void indices() {
        Map<String, String> places = Map.of(
                "parent", "../../../../etc/passwd",
                "absolute", "/etc/passwd",
                "sibling", "../sound/model.safetensors",
                "nul", "a\u0000b",
                "folder", ".",
                "escape", "\u001b[31m.safetensors",
                "missing", "model-00001-of-00002.safetensors");
        places.forEach((name, place) -> index("index-to-" + name, Json.write(Map.of("weight_map", weights(place)))));
        index("index-number", "{\"weight_map\": 5}");
        JsonTexts.hostile(Json.write(Map.of("weight_map", weights("x.safetensors"))))
                .forEach((name, text) -> index("index-" + name, text));
    }

    private static Map<String, String> weights(String place) {
        return Map.of("lm_head.weight", place, TENSOR, place);
    }

    private void index(String name, String text) {
        Path model = folder.linked(name, MODEL);
        InputFolder.replace(model, INDEX, text);
        try {
            Files.delete(model.resolve(FILE));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        folder.addModel(name, model);
    }

    private void change(String name, Consumer<Map<String, Object>> change) {
        change(name, change, TENSOR);
    }

    private void change(String name, Consumer<Map<String, Object>> change, String newName) {
        Map<String, Object> tensors = new LinkedHashMap<>(
                Json.parseObject(header.getBytes(StandardCharsets.UTF_8), MODEL).asMap());
        Map<String, Object> tensor = new LinkedHashMap<>(JsonTexts.object(tensors, TENSOR));
        change.accept(tensor);
        tensors.put(newName, tensor);
        add(name, file(Json.write(tensors)));
    }

    /// Returns a file of this header and the sound file's data.
    private byte[] file(String newHeader) {
        byte[] utf8 = newHeader.getBytes(StandardCharsets.UTF_8);
        int data = 8 + headerLength;
        return ByteBuffer.allocate(8 + utf8.length + whole.length - data)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(utf8.length)
                .put(utf8)
                .put(whole, data, whole.length - data)
                .array();
    }

    private void add(String name, byte[] content) {
        Path model = folder.linked(name, MODEL);
        InputFolder.replace(model, FILE, content);
        folder.addModel(name, model);
    }
}
