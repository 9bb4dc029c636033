package io.moetier.runtime.convert;

import io.moetier.storage.format.Checkpoint;
import io.moetier.storage.format.GgufWriter;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.TensorInfo;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A checkpoint as the usual converter writes it into a GGUF file: renamed, experts stacked, vectors and routers in
/// single precision, the heads of architecture `llama` with their rows in the other order.
public final class GgufCopy {
    private static final Pattern EXPERT = Pattern.compile("(blk\\.\\d+\\.ffn_\\w+)\\.(\\d+)\\.weight");
    /// Names in checkpoints and in GGUF files, with their layer cut off.
    private static final Map<String, String> NAMES = Map.ofEntries(
            Map.entry("model.embed_tokens.weight", "token_embd.weight"),
            Map.entry("model.norm.weight", "output_norm.weight"),
            Map.entry("lm_head.weight", "output.weight"),
            Map.entry("input_layernorm", "attn_norm"),
            Map.entry("post_attention_layernorm", "ffn_norm"),
            Map.entry("self_attn.q_proj", "attn_q"),
            Map.entry("self_attn.k_proj", "attn_k"),
            Map.entry("self_attn.v_proj", "attn_v"),
            Map.entry("self_attn.o_proj", "attn_output"),
            Map.entry("self_attn.q_norm", "attn_q_norm"),
            Map.entry("self_attn.k_norm", "attn_k_norm"),
            Map.entry("block_sparse_moe.gate", "ffn_gate_inp"),
            Map.entry("mlp.gate", "ffn_gate_inp"),
            Map.entry("mlp.shared_expert_gate", "ffn_gate_inp_shexp"),
            Map.entry("mlp.shared_expert.gate_proj", "ffn_gate_shexp"),
            Map.entry("mlp.shared_expert.up_proj", "ffn_up_shexp"),
            Map.entry("mlp.shared_expert.down_proj", "ffn_down_shexp"),
            Map.entry("mlp.gate_proj", "ffn_gate"),
            Map.entry("mlp.up_proj", "ffn_up"),
            Map.entry("mlp.down_proj", "ffn_down"));

    private static final Map<String, String> PROJECTIONS =
            Map.of("w1", "gate", "w3", "up", "w2", "down", "gate_proj", "gate", "up_proj", "up", "down_proj", "down");

    private final Map<String, Object> metadata = new LinkedHashMap<>();
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();

    @SuppressWarnings("ArrayRecordComponent") // nobody compares tensors
    private record Tensor(DType dtype, List<Long> shape, byte[] bytes) {}

    public GgufCopy(Path checkpoint) {
        try (Checkpoint opened = Checkpoint.open(checkpoint)) {
            JsonObject config = opened.config();
            describe(config);
            for (TensorInfo tensor : opened.tensors().values()) {
                byte[] bytes = new byte[(int) tensor.byteLength()];
                opened.read(tensor, 0, MemorySegment.ofArray(bytes));
                tensors.put(renamed(tensor.name()), new Tensor(tensor.dtype(), tensor.shape(), bytes));
            }
            if (architecture().equals("llama")) {
                interleave("attn_q", config.requireInt("num_attention_heads"));
                interleave("attn_k", config.requireInt("num_key_value_heads"));
            }
        }
        tensors.replaceAll((name, tensor) -> name.contains("inp_shexp")
                ? new Tensor(tensor.dtype(), List.of(tensor.shape().getLast()), tensor.bytes())
                : tensor);
        stackExperts();
    }

    /// Sets a value of the metadata; a key that begins with a point follows the architecture.
    public GgufCopy put(String key, Object value) {
        metadata.put(key.startsWith(".") ? architecture() + key : key, value);
        return this;
    }

    public GgufCopy putAll(Map<String, ?> values) {
        values.forEach(this::put);
        return this;
    }

    public GgufCopy forget(String key) {
        Objects.requireNonNull(metadata.remove(key.startsWith(".") ? architecture() + key : key));
        return this;
    }

    public GgufCopy remove(String tensor) {
        Objects.requireNonNull(tensors.remove(tensor));
        return this;
    }

    public GgufCopy add(String tensor, DType dtype, Long... shape) {
        long elements = Arrays.stream(shape).reduce(1L, (a, b) -> a * b);
        tensors.put(tensor, new Tensor(dtype, List.of(shape), new byte[(int) dtype.bytes(elements)]));
        return this;
    }

    /// Writes the tensors that are chosen in single precision, as the usual converter does with vectors and routers.
    public GgufCopy widen(Predicate<String> chosen) {
        tensors.replaceAll((name, tensor) -> chosen.test(name) && tensor.dtype() == DType.BF16 ? wide(tensor) : tensor);
        return this;
    }

    public GgufCopy widenAsUsual() {
        return widen(name -> name.contains("norm") || name.endsWith(".bias") || name.contains("_inp"));
    }

    /// Gives each expert tensors of its own, as files of before April 2024 have them.
    public GgufCopy unstacked() {
        Map<String, Tensor> before = new LinkedHashMap<>(tensors);
        tensors.clear();
        before.forEach((name, tensor) -> {
            if (!name.endsWith("_exps.weight")) {
                tensors.put(name, tensor);
                return;
            }
            int count = Math.toIntExact(tensor.shape().getFirst());
            int bytes = tensor.bytes().length / count;
            for (int e = 0; e < count; e++) {
                tensors.put(
                        name.replace("_exps.weight", "." + e + ".weight"),
                        new Tensor(
                                tensor.dtype(),
                                tensor.shape().subList(1, 3),
                                Arrays.copyOfRange(tensor.bytes(), e * bytes, (e + 1) * bytes)));
            }
        });
        return this;
    }

    public Path write(Path file) throws IOException {
        write(file, metadata, tensors);
        return file;
    }

    /// Writes as many parts and returns the files.
    public List<Path> writeParts(Path directory, String name, int count) throws IOException {
        List<Path> files = new ArrayList<>();
        List<String> names = List.copyOf(tensors.keySet());
        for (int part = 0; part < count; part++) {
            Map<String, Object> values = new LinkedHashMap<>(part == 0 ? metadata : Map.of());
            values.putAll(Map.of("split.no", part, "split.count", count, "split.tensors.count", names.size()));
            Map<String, Tensor> chosen = new LinkedHashMap<>();
            names.subList(names.size() * part / count, names.size() * (part + 1) / count)
                    .forEach(each -> chosen.put(each, Objects.requireNonNull(tensors.get(each))));
            Path file = directory.resolve(String.format(Locale.ROOT, "%s-%05d-of-%05d.gguf", name, part + 1, count));
            write(file, values, chosen);
            files.add(file);
        }
        return files;
    }

    private static void write(Path file, Map<String, Object> metadata, Map<String, Tensor> tensors) throws IOException {
        Files.createDirectories(Objects.requireNonNull(file.toAbsolutePath().getParent()));
        List<GgufWriter.Entry> entries = new ArrayList<>();
        tensors.forEach((name, tensor) -> entries.add(GgufWriter.Entry.of(
                name,
                tensor.dtype(),
                tensor.shape().stream().mapToLong(Long::longValue).toArray())));
        try (GgufWriter writer = GgufWriter.create(file, metadata, entries)) {
            for (Map.Entry<String, Tensor> tensor : tensors.entrySet()) {
                writer.write(
                        tensor.getKey(), MemorySegment.ofArray(tensor.getValue().bytes()));
            }
        }
    }

    private String architecture() {
        return String.valueOf(metadata.get("general.architecture"));
    }

    private void describe(JsonObject config) {
        String type = config.requireString("model_type");
        put("general.architecture", type.equals("mixtral") ? "llama" : type.replace("_", ""));
        int heads = config.requireInt("num_attention_heads");
        put(".context_length", config.requireInt("max_position_embeddings"));
        put(".embedding_length", config.requireInt("hidden_size"));
        put(".block_count", config.requireInt("num_hidden_layers"));
        put(".feed_forward_length", config.requireInt("intermediate_size"));
        put(".attention.head_count", heads);
        put(".attention.head_count_kv", config.requireInt("num_key_value_heads"));
        put(".attention.layer_norm_rms_epsilon", (float) config.requireDouble("rms_norm_eps"));
        put(".expert_used_count", config.requireInt("num_experts_per_tok"));
        put(".expert_count", config.optionalInt("num_experts").orElseGet(() -> config.requireInt("num_local_experts")));
        putInt(config, "head_dim", ".attention.key_length");
        putInt(config, "head_dim", ".attention.value_length");
        putInt(config, "moe_intermediate_size", ".expert_feed_forward_length");
        putInt(config, "shared_expert_intermediate_size", ".expert_shared_feed_forward_length");
        putInt(config, "sliding_window", ".attention.sliding_window");
        config.optionalDouble("clip_qkv").ifPresent(clip -> put(".attention.clamp_kqv", (float) (double) clip));
        config.optionalBoolean("norm_topk_prob").ifPresent(norm -> put(".expert_weights_norm", norm));
        put(".rope.freq_base", (float)
                config.optionalObject("rope_parameters").orElse(config).requireDouble("rope_theta"));
        config.optionalObject("rope_scaling").ifPresent(scaling -> {
            put(".rope.scaling.type", scaling.requireString("rope_type"));
            put(".rope.scaling.factor", (float) scaling.requireDouble("factor"));
            put(".rope.scaling.original_context_length", scaling.requireInt("original_max_position_embeddings"));
        });
    }

    private void putInt(JsonObject config, String key, String name) {
        config.optionalInt(key).ifPresent(value -> put(name, value));
    }

    private static String renamed(String name) {
        Matcher layer = Pattern.compile("model\\.layers\\.(\\d+)\\.(.*)\\.(weight|bias)")
                .matcher(name);
        if (!layer.matches()) {
            return Objects.requireNonNull(NAMES.get(name), name);
        }
        String block = "blk." + layer.group(1) + ".";
        Matcher expert = Pattern.compile(".*\\.experts\\.(\\d+)\\.(\\w+)").matcher(layer.group(2));
        return expert.matches()
                ? block + "ffn_" + PROJECTIONS.get(expert.group(2)) + "." + expert.group(1) + ".weight"
                : block + Objects.requireNonNull(NAMES.get(layer.group(2)), name) + "." + layer.group(3);
    }

    /// Row `r` of the first half of a head becomes row `2r`, and row `r` of the second half row `2r + 1`.
    private void interleave(String part, int heads) {
        tensors.replaceAll((name, tensor) -> {
            if (!name.endsWith(part + ".weight")) {
                return tensor;
            }
            int rows = Math.toIntExact(tensor.shape().getFirst());
            int half = rows / heads / 2;
            int rowBytes = tensor.bytes().length / rows;
            ByteBuffer bytes = ByteBuffer.allocate(tensor.bytes().length);
            for (int head = 0; head < heads; head++) {
                for (int r = 0; r < half; r++) {
                    int row = head * 2 * half + r;
                    bytes.put(tensor.bytes(), row * rowBytes, rowBytes);
                    bytes.put(tensor.bytes(), (row + half) * rowBytes, rowBytes);
                }
            }
            return new Tensor(tensor.dtype(), tensor.shape(), bytes.array());
        });
    }

    private void stackExperts() {
        Map<String, Map<Integer, Tensor>> stacks = new LinkedHashMap<>();
        tensors.entrySet().removeIf(entry -> {
            Matcher expert = EXPERT.matcher(entry.getKey());
            if (!expert.matches()) {
                return false;
            }
            stacks.computeIfAbsent(expert.group(1) + "_exps.weight", key -> new TreeMap<>())
                    .put(Integer.valueOf(expert.group(2)), entry.getValue());
            return true;
        });
        stacks.forEach((name, experts) -> {
            Tensor first = Objects.requireNonNull(experts.get(0));
            ByteBuffer bytes = ByteBuffer.allocate(first.bytes().length * experts.size());
            experts.values().forEach(expert -> bytes.put(expert.bytes()));
            List<Long> shape = new ArrayList<>(first.shape());
            shape.addFirst((long) experts.size());
            tensors.put(name, new Tensor(first.dtype(), List.copyOf(shape), bytes.array()));
        });
    }

    private static Tensor wide(Tensor tensor) {
        ByteBuffer from = ByteBuffer.wrap(tensor.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer to = ByteBuffer.allocate(2 * tensor.bytes().length).order(ByteOrder.LITTLE_ENDIAN);
        while (from.hasRemaining()) {
            to.putInt(from.getShort() << 16);
        }
        return new Tensor(DType.F32, tensor.shape(), to.array());
    }
}
