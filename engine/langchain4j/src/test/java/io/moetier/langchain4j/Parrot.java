package io.moetier.langchain4j;

import io.moetier.Model;
import io.moetier.ModelOptions;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// A model that answers everything with [#ANSWER]: attention and experts add nothing, and what is left says for each
/// token which one comes next. LangChain4j's tests ask for what a trained model knows; what they find in an answer is
/// in this one, and all else that they check is the same for every model.
final class Parrot {
    static final String ANSWER = "Hello World from Berlin mit liebe green";

    private static final int HIDDEN = 32;
    private static final float CERTAINTY = 20;
    private static final String END = "</s>";
    private static final String BEGIN = ">";
    private static final String TEMPLATE =
            "{% for m in messages %}" + "{{ m.role }} : {{ m.content }} {% endfor %}" + BEGIN;

    private final List<String> words = new ArrayList<>(List.of("?", BEGIN));
    private final ByteArrayOutputStream data = new ByteArrayOutputStream();
    private final List<String> header = new ArrayList<>();

    private Parrot(String answer) {
        words.addAll(List.of(answer.split(" ", -1)));
        words.add(END);
    }

    /// Writes one into a new folder and opens it.
    static Model open(Path parent, ModelOptions options) throws IOException {
        return Model.open(
                write(parent), options.withCache(parent.resolve("cache")).withThreads(1));
    }

    /// Writes one into a new folder.
    static Path write(Path parent) throws IOException {
        return write(parent, ANSWER);
    }

    /// Writes one that answers otherwise.
    ///
    /// @param answer words with a blank between them, none of them twice
    static Path write(Path parent, String answer) throws IOException {
        Path folder = Files.createDirectories(parent.resolve("parrot"));
        new Parrot(answer).writeFiles(folder);
        return folder;
    }

    private void writeFiles(Path folder) throws IOException {
        int end = words.indexOf(END);
        Files.writeString(folder.resolve("config.json"), """
            {"architectures": ["MixtralForCausalLM"], "model_type": "mixtral", "hidden_act": "silu",
             "hidden_size": %1$d, "intermediate_size": %1$d, "num_hidden_layers": 1, "num_attention_heads": 2,
             "num_key_value_heads": 1, "num_local_experts": 2, "num_experts_per_tok": 1, "rms_norm_eps": 1e-5,
             "rope_theta": 10000.0, "max_position_embeddings": 512, "vocab_size": %2$d, "eos_token_id": %3$d,
             "tie_word_embeddings": false, "torch_dtype": "float32"}
            """.formatted(HIDDEN, words.size(), end));
        Files.writeString(folder.resolve("tokenizer.json"), """
            {"version": "1.0", "truncation": null, "padding": null, "normalizer": null, "decoder": null,
             "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": null,
             "added_tokens": [{"id": %2$d, "content": "%3$s", "special": true, "single_word": false, "lstrip": false,
               "rstrip": false, "normalized": false}],
             "model": {"type": "WordLevel", "unk_token": "?", "vocab": {%1$s}}}
            """.formatted(vocabulary(), end, END));
        Files.writeString(folder.resolve("chat_template.jinja"), TEMPLATE);
        add("model.embed_tokens.weight", ones(0), words.size(), HIDDEN);
        String layer = "model.layers.0.";
        for (String projection : List.of("q_proj", "o_proj")) {
            add(layer + "self_attn." + projection + ".weight", new float[HIDDEN * HIDDEN], HIDDEN, HIDDEN);
        }
        for (String projection : List.of("k_proj", "v_proj")) {
            add(layer + "self_attn." + projection + ".weight", new float[HIDDEN / 2 * HIDDEN], HIDDEN / 2, HIDDEN);
        }
        add(layer + "block_sparse_moe.gate.weight", new float[2 * HIDDEN], 2, HIDDEN);
        for (int expert = 0; expert < 2; expert++) {
            for (String matrix : List.of("w1", "w2", "w3")) {
                String name = layer + "block_sparse_moe.experts." + expert + "." + matrix + ".weight";
                add(name, new float[HIDDEN * HIDDEN], HIDDEN, HIDDEN);
            }
        }
        for (String norm : List.of(layer + "input_layernorm", layer + "post_attention_layernorm", "model.norm")) {
            add(norm + ".weight", allOne(), HIDDEN);
        }
        add("lm_head.weight", ones(1), words.size(), HIDDEN);
        writeTensors(folder.resolve("model.safetensors"));
    }

    private String vocabulary() {
        return IntStream.range(0, words.size())
                .mapToObj(id -> "\"" + words.get(id).replace("\n", "\\n") + "\": " + id)
                .collect(Collectors.joining(", "));
    }

    /// Returns a matrix in whose row n the column of the token `before` n stands out.
    private float[] ones(int before) {
        float[] matrix = new float[words.size() * HIDDEN];
        for (int id = before; id < words.size(); id++) {
            matrix[id * HIDDEN + id - before] = before == 0 ? 1 : CERTAINTY;
        }
        return matrix;
    }

    private static float[] allOne() {
        float[] vector = new float[HIDDEN];
        Arrays.fill(vector, 1);
        return vector;
    }

    private void add(String name, float[] values, int... shape) {
        int from = data.size();
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        data.writeBytes(bytes.array());
        String sizes = IntStream.of(shape).mapToObj(Integer::toString).collect(Collectors.joining(","));
        header.add("\"%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%d,%d]}"
                .formatted(name, sizes, from, data.size()));
    }

    private void writeTensors(Path file) throws IOException {
        byte[] json = ("{" + String.join(",", header) + "}").getBytes(StandardCharsets.UTF_8);
        ByteBuffer whole = ByteBuffer.allocate(Long.BYTES + json.length + data.size())
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length)
                .put(json)
                .put(data.toByteArray());
        Files.write(file, whole.array());
    }
}
