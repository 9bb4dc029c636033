package io.moetier.runtime.convert;

import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.Session;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.RawTensor;
import io.moetier.storage.format.SafetensorsFile;
import io.moetier.storage.format.SafetensorsWriter;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// A golden case of one weight file in bfloat16, to be changed tensor by tensor and written elsewhere.
final class AlteredCheckpoint {
    private final Map<String, @Nullable Object> config;
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();

    @SuppressWarnings("ArrayRecordComponent") // nobody compares tensors
    record Tensor(String dtype, List<Long> shape, byte[] bytes) {}

    AlteredCheckpoint(Path original) {
        config = new LinkedHashMap<>(
                Json.readObject(original.resolve("config.json")).asMap());
        try (SafetensorsFile file = SafetensorsFile.open(original.resolve("model.safetensors"))) {
            for (RawTensor tensor : file.rawTensors().values()) {
                byte[] bytes = new byte[(int) tensor.byteLength()];
                file.read(tensor, 0, MemorySegment.ofArray(bytes));
                tensors.put(tensor.name(), new Tensor(tensor.dtype(), tensor.shape(), bytes));
            }
        }
    }

    AlteredCheckpoint config(String key, Object value) {
        config.put(key, value);
        return this;
    }

    AlteredCheckpoint remove(String name) {
        Objects.requireNonNull(tensors.remove(name));
        return this;
    }

    /// Puts a tensor of zeros in the place of one of this name, or beside the others.
    AlteredCheckpoint put(String name, String dtype, Long... shape) {
        long bytes = SafetensorsWriter.Entry.of(name, dtype, longs(shape)).byteLength();
        tensors.put(name, new Tensor(dtype, List.of(shape), new byte[(int) bytes]));
        return this;
    }

    AlteredCheckpoint replace(String name, String dtype, Long... shape) {
        return remove(name).put(name, dtype, shape);
    }

    /// Replaces the configuration by the object `key` in it.
    AlteredCheckpoint configOf(String key) {
        Map<String, @Nullable Object> inner = new LinkedHashMap<>(
                Json.parseObject(Json.write(config).getBytes(StandardCharsets.UTF_8), Path.of("config.json"))
                        .requireObject(key)
                        .asMap());
        config.clear();
        config.putAll(inner);
        return this;
    }

    /// Puts the configuration under `key` into one of another kind of model.
    AlteredCheckpoint configInside(String modelType, String key) {
        Map<String, @Nullable Object> inner = new LinkedHashMap<>(config);
        config.clear();
        config.put("model_type", modelType);
        config.put(key, inner);
        return this;
    }

    /// Gives every tensor the name that `rename` gives, and leaves out those for which it gives nothing.
    AlteredCheckpoint rename(Function<String, Optional<String>> rename) {
        Map<String, Tensor> renamed = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> rename.apply(name).ifPresent(to -> renamed.put(to, tensor)));
        tensors.clear();
        tensors.putAll(renamed);
        return this;
    }

    /// Stores the experts of `experts.gate_up_proj` and `experts.down_proj` one by one.
    AlteredCheckpoint expertsApart() {
        for (String name : List.copyOf(tensors.keySet())) {
            if (name.endsWith("experts.gate_up_proj")) {
                split(name, "gate_proj", "up_proj");
            } else if (name.endsWith("experts.down_proj")) {
                split(name, "down_proj");
            }
        }
        return this;
    }

    private void split(String name, String... parts) {
        Tensor stack = Objects.requireNonNull(tensors.remove(name));
        int experts = Math.toIntExact(stack.shape().getFirst());
        int bytes = stack.bytes().length / experts / parts.length;
        List<Long> shape =
                List.of(stack.shape().get(1) / parts.length, stack.shape().get(2));
        String prefix = name.substring(0, name.lastIndexOf('.') + 1);
        for (int i = 0; i < experts * parts.length; i++) {
            tensors.put(
                    prefix + i / parts.length + "." + parts[i % parts.length] + ".weight",
                    new Tensor(stack.dtype(), shape, Arrays.copyOfRange(stack.bytes(), i * bytes, (i + 1) * bytes)));
        }
    }

    /// Stores the matrices that are chosen in eight bits, with a factor for each block; of matrices of experts in one
    /// tensor, blocks divide the rows.
    ///
    /// @param asRead whether to store what the eight bits stand for instead, in bfloat16
    AlteredCheckpoint float8(Predicate<String> chosen, int blockRows, int blockCols, boolean asRead) {
        config.put("quantization_config", Map.of("weight_block_size", List.of(blockRows, blockCols)));
        for (String name : tensors.keySet().stream().filter(chosen).toList()) {
            Tensor tensor = Objects.requireNonNull(tensors.get(name));
            Float8Blocks blocks = Float8Blocks.of(
                    decode(tensor), Math.toIntExact(tensor.shape().getLast()), blockRows, blockCols);
            if (asRead) {
                tensors.put(name, new Tensor("BF16", tensor.shape(), encode(blocks.values(), "BF16")));
            } else {
                tensors.put(name, new Tensor("F8_E4M3", tensor.shape(), blocks.codes()));
                tensors.put(
                        name + "_scale_inv",
                        new Tensor("F32", ofEachExpert(tensor, blocks), encode(blocks.scales(), "F32")));
            }
        }
        return this;
    }

    private static List<Long> ofEachExpert(Tensor tensor, Float8Blocks blocks) {
        if (tensor.shape().size() == 2) {
            return blocks.scalesShape();
        }
        long experts = tensor.shape().getFirst();
        return List.of(
                experts,
                blocks.scalesShape().getFirst() / experts,
                blocks.scalesShape().getLast());
    }

    /// Packs the matrices that are chosen in four bits as compressed-tensors does, each group of a row with a factor.
    ///
    /// @param asRead whether to store what the four bits stand for instead, in float32
    AlteredCheckpoint int4(Predicate<String> chosen, int group, boolean asRead) {
        config.put(
                "quantization_config",
                Map.of(
                        "quant_method", "compressed-tensors",
                        "format", "pack-quantized",
                        "config_groups", Map.of("group_0", Map.of("weights", schemeOfInt4(group)))));
        for (String name : tensors.keySet().stream().filter(chosen).toList()) {
            Tensor tensor = Objects.requireNonNull(tensors.get(name));
            float[] values = decode(tensor);
            float[] scales = new float[values.length / group];
            ByteBuffer codes = ByteBuffer.allocate(values.length / 2);
            for (int i = 0; i < values.length; i++) {
                if (i % group == 0) {
                    scales[i / group] = scaleOf(values, i, group);
                }
                int number = Math.clamp(Math.round(values[i] / scales[i / group]), -8, 7);
                values[i] = number * scales[i / group];
                codes.put(i / 2, (byte) (codes.get(i / 2) | (number + 8) << (i % 2 * 4)));
            }
            long rows = tensor.shape().getFirst();
            long cols = tensor.shape().getLast();
            if (asRead) {
                tensors.put(name, new Tensor("F32", tensor.shape(), encode(values, "F32")));
            } else {
                tensors.remove(name);
                tensors.put(name + "_packed", new Tensor("I32", List.of(rows, cols / 8), codes.array()));
                tensors.put(name + "_scale", new Tensor("BF16", List.of(rows, cols / group), encode(scales, "BF16")));
                put(name + "_shape", "I32", 2L);
            }
        }
        return this;
    }

    private static Map<String, Object> schemeOfInt4(int group) {
        return Map.of("num_bits", 4, "type", "int", "symmetric", true, "strategy", "group", "group_size", group);
    }

    /// Returns a number of bfloat16 by which the largest of the group is about 7.
    private static float scaleOf(float[] values, int from, int group) {
        float largest = 0.001f;
        for (int i = from; i < from + group; i++) {
            largest = Math.max(largest, Math.abs(values[i]));
        }
        return Float.intBitsToFloat(Float.floatToIntBits(largest / 7) & 0xFFFF0000);
    }

    /// Writes the upper half of a float32 over one element.
    AlteredCheckpoint set(String name, int element, short bfloat16) {
        ByteBuffer.wrap(Objects.requireNonNull(tensors.get(name)).bytes())
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort(2 * element, bfloat16);
        return this;
    }

    /// Writes one byte of a tensor.
    AlteredCheckpoint setByte(String name, int at, int value) {
        Objects.requireNonNull(tensors.get(name)).bytes()[at] = (byte) value;
        return this;
    }

    /// Leaves the first rows and columns of the matrices that are chosen.
    AlteredCheckpoint cut(Predicate<String> chosen, int rows, int cols) {
        tensors.replaceAll((name, tensor) -> {
            if (!chosen.test(name)) {
                return tensor;
            }
            int oldCols = Math.toIntExact(tensor.shape().get(1));
            ByteBuffer bytes = ByteBuffer.allocate(2 * rows * cols);
            for (int row = 0; row < rows; row++) {
                bytes.put(tensor.bytes(), 2 * row * oldCols, 2 * cols);
            }
            return new Tensor(tensor.dtype(), List.of((long) rows, (long) cols), bytes.array());
        });
        return this;
    }

    /// Gives tensors another element type, first rounding their values to another one yet.
    AlteredCheckpoint convert(Predicate<String> chosen, String roundedTo, String dtype) {
        tensors.replaceAll((name, tensor) -> chosen.test(name)
                ? new Tensor(dtype, tensor.shape(), encode(decode(encode(decode(tensor), roundedTo), roundedTo), dtype))
                : tensor);
        return this;
    }

    /// Writes the checkpoint and its store into a directory and returns the logits behind five tokens.
    float[] logits(Path directory, String name) throws IOException {
        Path store = directory.resolve(name + ".mtier");
        try (ModelSource source = ModelSource.open(write(directory.resolve(name)))) {
            new CheckpointImporter(source, Quantisation.KEEP).run(store, false, bytes -> {});
        }
        try (Engine engine = Engine.open(store, EngineConfig.DEFAULT);
                Session session = engine.newSession()) {
            session.prefill(new int[] {1, 17, 300, 5, 42});
            return session.logits().clone();
        }
    }

    Path write(Path directory) throws IOException {
        Files.createDirectories(directory);
        Files.writeString(directory.resolve("config.json"), Json.write(config));
        List<SafetensorsWriter.Entry> entries = new ArrayList<>();
        tensors.forEach(
                (name, tensor) -> entries.add(new SafetensorsWriter.Entry(name, tensor.dtype(), tensor.shape())));
        try (SafetensorsWriter writer =
                SafetensorsWriter.create(directory.resolve("model.safetensors"), entries, Map.of())) {
            for (Map.Entry<String, Tensor> tensor : tensors.entrySet()) {
                writer.write(
                        tensor.getKey(), MemorySegment.ofArray(tensor.getValue().bytes()));
            }
        }
        return directory;
    }

    private static float[] decode(Tensor tensor) {
        return decode(tensor.bytes(), tensor.dtype());
    }

    private static float[] decode(byte[] encoded, String dtype) {
        ByteBuffer bytes = ByteBuffer.wrap(encoded).order(ByteOrder.LITTLE_ENDIAN);
        float[] values = new float[encoded.length / (dtype.equals("F32") ? 4 : 2)];
        for (int i = 0; i < values.length; i++) {
            values[i] = switch (dtype) {
                case "F32" -> bytes.getFloat();
                case "F16" -> Float.float16ToFloat(bytes.getShort());
                default -> Float.intBitsToFloat(bytes.getShort() << 16);
            };
        }
        return values;
    }

    private static byte[] encode(float[] values, String dtype) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * (dtype.equals("F32") ? 4 : 2))
                .order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            switch (dtype) {
                case "F32" -> bytes.putFloat(value);
                case "F16" -> bytes.putShort(Float.floatToFloat16(value));
                default -> bytes.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
            }
        }
        return bytes.array();
    }

    private static long[] longs(Long... values) {
        long[] longs = new long[values.length];
        for (int i = 0; i < values.length; i++) {
            longs[i] = values[i];
        }
        return longs;
    }
}
