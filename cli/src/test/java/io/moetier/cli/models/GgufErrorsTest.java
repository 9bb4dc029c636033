package io.moetier.cli.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.TinyGguf;
import io.moetier.cli.terminal.Failure;
import io.moetier.storage.format.GgmlType;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A GGUF file that cannot be used is answered with one sentence and leaves nothing behind.
class GgufErrorsTest {
    @TempDir
    Path directory = Path.of("");

    private Path file = Path.of("");

    @Test
    void aSoundFileIsImported() throws IOException {
        write(new TinyGguf());
        CommandLineRun run = run("import", file.toString(), "--out", store().toString());
        assertEquals(Failure.OK, run.exitCode(), run::err);
        assertTrue(Files.exists(store().resolve("manifest.json")));
        CommandLineRun first = run("run", file.toString(), "--ids", "1", "-n", "2");
        assertEquals(Failure.OK, first.exitCode(), first::err);
        assertTrue(first.err().startsWith("importing " + file + " once, "), first.err());
        assertFalse(run("run", file.toString(), "--ids", "1", "-n", "2").err().contains("importing"));
        write(new TinyGguf().put("rope.freq_base", 5e5f));
        assertTrue(run("run", file.toString(), "--ids", "1", "-n", "2").err().contains("importing"));
    }

    @Test
    void aSoundFileIsToldByHowItBegins() throws IOException {
        write(new TinyGguf());
        Path blob = Files.move(file, directory.resolve("sha256-0123"));
        CommandLineRun inspect = run("inspect", blob.toString());
        assertEquals(Failure.OK, inspect.exitCode(), inspect::err);
        CommandLineRun first = run("run", blob.toString(), "--ids", "1", "-n", "2");
        assertEquals(Failure.OK, first.exitCode(), first::err);
        assertTrue(first.err().contains("/sha256-0123-"), first.err());
    }

    @Test
    void anUnknownQuantisation() throws IOException {
        write(new TinyGguf().tensor("blk.0.ffn_up_exps.weight", GgmlType.Q8_1, 2L, 64L, 64L));
        assertRefused("tensor blk.0.ffn_up_exps.weight: dtype: expected one of F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0,"
                + " Q5_1, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS, MXFP4, NVFP4, Q1_0, Q2_0, TQ1_0, TQ2_0, IQ1_S,"
                + " IQ1_M, IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S, found Q8_1");
    }

    @Test
    void aTruncatedFile() throws IOException {
        write(new TinyGguf());
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
            open.setLength(open.length() - 100);
        }
        String sentence = refusal();
        assertTrue(sentence.contains(file + ": tensor blk.0.ffn_down_exps.weight: expected 8704 bytes"), sentence);
        assertTrue(sentence.endsWith("; it is truncated or damaged"), sentence);
    }

    @Test
    void anotherMagic() throws IOException {
        Files.writeString(ggufFile(), "GGML and more");
        assertRefused("magic: expected a GGUF file, which begins with GGUF, found one that begins with GGML");
        Files.write(ggufFile(), new byte[] {'P', 'K', 3, (byte) 0x84, 0});
        assertRefused("magic: expected a GGUF file, which begins with GGUF, found one that begins with PK\\x03\\x84");
    }

    @Test
    void aBigEndianFile() throws IOException {
        write(new TinyGguf());
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
            open.seek(4);
            open.writeInt(3); // in the order of Java, which is that of big-endian machines
        }
        assertRefused("version: expected a little-endian file, found a big-endian one of version 3; convert the model"
                + " again for a little-endian machine");
    }

    @Test
    void aMissingPart() throws IOException {
        file = new TinyGguf()
                .putWhole("split.no", 0)
                .putWhole("split.count", 2)
                .write(directory.resolve("tiny-00001-of-00002.gguf"));
        assertRefused("parts: expected the file tiny-00002-of-00002.gguf in the same directory, found no such file");
    }

    @Test
    void anUnknownTokenizer() throws IOException {
        write(new TinyGguf().putWhole("tokenizer.ggml.model", "bert"));
        assertRefused("tokenizer.ggml.model: expected llama, gpt2 or gemma4, found bert");
        CommandLineRun first = run("run", file.toString(), "--ids", "1", "-n", "1");
        assertEquals(Failure.FAILED, first.exitCode(), first::err);
        assertTrue(first.err().startsWith("importing " + file + " once, "), first.err());
        try (var left = Files.list(directory.resolve("cache"))) {
            // the native kernels are there, if this was the first test of its JVM
            assertEquals(
                    List.of(), left.filter(path -> !path.endsWith("kernels")).toList());
        }
    }

    @Test
    void anUnknownArchitecture() throws IOException {
        write(new TinyGguf().putWhole("general.architecture", "mamba"));
        assertRefused(
                "general.architecture: expected one of afmoe, bailingmoe2, dbrx, deepseek2, deepseek32, deepseek4, dots1,"
                        + " ernie4_5-moe, exaone-moe, gemma4, glm-dsa, glm4moe, gpt-oss, granitehybrid, granitemoe, hunyuan-moe, hy_v3, jamba, kimi-linear,"
                        + " lfm2moe, llama, llama4, mimo2, minimax-m2, minimax-m3, mistral4, nemotron_h_moe, olmoe, phimoe, qwen2moe, qwen35moe, qwen3moe,"
                        + " qwen3next, qwen3vlmoe, step35, found mamba");
    }

    @Test
    void aModelWithoutExperts() throws IOException {
        write(new TinyGguf().put("expert_count", 0));
        assertRefused("llama.expert_count: expected a model with experts; those without are not supported, found 0");
    }

    @Test
    void numbersThatTheFileCannotHold() throws IOException {
        write(new TinyGguf().put("block_count", Integer.MAX_VALUE));
        assertRefused("llama.block_count: expected 1 to 12, found 2147483647");
        write(new TinyGguf().put("block_count", 0));
        assertRefused("llama.block_count: expected 1 to 12, found 0");
        write(new TinyGguf().put("expert_count", Integer.MAX_VALUE));
        assertRefused("llama.expert_count: expected 1 to 65536, found 2147483647");
        write(new TinyGguf().put("block_count", 12).put("expert_count", 65536));
        assertRefused("llama.expert_count: expected 1 to 21845, found 65536");
        write(new TinyGguf().put("attention.head_count_kv", List.of(2, 2)));
        assertRefused("llama.attention.head_count_kv: expected one number for each of 1 layers, found 2");
        write(new TinyGguf().put("embedding_length", "wide"));
        assertRefused("llama.embedding_length: expected an integer, found \"wide\"");
        write(new TinyGguf().put("nextn_predict_layers", 1));
        assertRefused("llama.nextn_predict_layers: expected 0, found 1");
    }

    @Test
    void numbersThatNoModelHas() throws IOException {
        write(new TinyGguf().put("context_length", 0));
        assertRefused("llama.context_length: expected 1 to 67108864, found 0");
        write(new TinyGguf().put("context_length", 1L << 31));
        assertRefused("llama.context_length: expected an integer from -2147483648 to 2147483647, found 2147483648");
        write(new TinyGguf().put("embedding_length", 0));
        assertRefused("llama.embedding_length: expected 1 to 67108864, found 0");
        write(new TinyGguf().put("attention.head_count", 65));
        assertRefused("llama.attention.head_count: expected at most llama.embedding_length, found 65");
        write(new TinyGguf().put("attention.head_count_kv", 0));
        assertRefused("llama.attention.head_count_kv: expected a positive integer, found 0");
        write(new TinyGguf().put("expert_used_count", 3));
        assertRefused("llama.expert_used_count: expected at most 2 experts, found 3");
        write(new TinyGguf().put("feed_forward_length", 1 << 30));
        assertRefused("llama.feed_forward_length: expected at most 67108864, found 1073741824");
        write(new TinyGguf().put("rope.freq_base", Float.POSITIVE_INFINITY));
        assertRefused("llama.rope.freq_base: expected a finite number of 64 bits, found Infinity");
        write(new TinyGguf().put("rope.freq_base", 0f));
        assertRefused("llama.rope.freq_base: expected a number above 0, found 0.0");
        write(new TinyGguf().put("attention.layer_norm_rms_epsilon", Float.NaN));
        assertRefused("llama.attention.layer_norm_rms_epsilon: expected a finite number of 64 bits, found NaN");
        write(new TinyGguf().put("attention.layer_norm_rms_epsilon", -1e-5f));
        assertRefused("llama.attention.layer_norm_rms_epsilon: expected a number of at least 0, found -1.0E-5");
        write(new TinyGguf().putWhole("general.alignment", 1L << 31));
        assertRefused("general.alignment: expected a power of two from 8 to 1073741824, found 2147483648");
    }

    @Test
    void whatIsNotComputed() throws IOException {
        write(new TinyGguf().put("rope.scaling.type", "linear").put("rope.scaling.factor", 4f));
        assertRefused("llama.rope.scaling.type: expected none or yarn, since no other is supported, found linear");
        write(new TinyGguf().put("rope.scaling.factor", 4f));
        assertRefused("llama.rope.scaling.type: expected none or yarn, since no other is supported, found nothing");
        write(new TinyGguf().put("expert_gating_func", 2));
        assertRefused("llama.expert_gating_func: expected 1, since no other is supported, found 2");
        write(new TinyGguf().put("rope.dimension_count", 16));
        assertRefused("llama.rope.dimension_count: expected 32, the size of a head, found 16");
        write(new TinyGguf().tensor("rope_freqs.weight", GgmlType.F32, 16L));
        assertRefused("tensor rope_freqs.weight: expected numbers above 0, found 0.0");
        write(new TinyGguf().put("rope.scaling.attn_factor", 1.5f));
        assertRefused("llama.rope.scaling.attn_factor: expected 1.0, since no other is supported, found 1.5");
        write(new TinyGguf().tensor("blk.0.attn_q.bias", GgmlType.F32, 64L));
        assertRefused("tensor blk.0.attn_q.bias: expected only tensors that mixtral has, found this one");
    }

    @Test
    void valuesOfAnotherKindThanTheFamilyNeeds() throws IOException {
        write(new TinyGguf()
                .putWhole("general.architecture", "minimax-m2")
                .putWhole("minimax-m2.expert_count", 2)
                .putWhole("minimax-m2.block_count", 1)
                .putWhole("minimax-m2.embedding_length", 64)
                .putWhole("minimax-m2.attention.head_count", 2)
                .putWhole("minimax-m2.context_length", 32)
                .putWhole("minimax-m2.expert_used_count", 1));
        assertRefused("minimax-m2.expert_feed_forward_length: expected a value, found nothing");
    }

    @Test
    void missingValuesAndTensors() throws IOException {
        write(new TinyGguf().putWhole("general.architecture", "qwen3moe"));
        assertRefused("qwen3moe.expert_count: expected a model with experts; those without are not supported, found 0");
        write(new TinyGguf().remove("blk.0.attn_k.weight"));
        assertRefused("tensor blk.0.attn_k.weight: expected shape [64, 64], found no such tensor");
        write(new TinyGguf().tensor("blk.0.ffn_gate_exps.weight", GgmlType.Q8_0, 3L, 64L, 64L));
        assertRefused("tensor blk.0.ffn_gate_exps.weight: expected shape [2, 64, 64], found [3, 64, 64]");
    }

    private void write(TinyGguf gguf) throws IOException {
        gguf.write(ggufFile());
    }

    private Path ggufFile() {
        file = directory.resolve("tiny.gguf");
        return file;
    }

    private Path store() {
        return directory.resolve("tiny.mtier");
    }

    private void assertRefused(String reason) throws IOException {
        assertEquals("moetier: " + file + ": " + reason, refusal());
    }

    private String refusal() throws IOException {
        CommandLineRun refused = run("import", file.toString(), "--out", store().toString());
        assertEquals(Failure.FAILED, refused.exitCode(), refused::err);
        List<String> lines = refused.err().lines().toList();
        assertEquals(1, lines.size(), refused::err);
        try (var left = Files.list(directory)) {
            // the cache holds the native kernels, if they were the first of this JVM
            assertEquals(
                    List.of(file), left.filter(path -> !path.endsWith("cache")).toList());
        }
        return lines.getFirst();
    }

    private CommandLineRun run(String... arguments) {
        return CommandLineRun.inProcess(directory.resolve("cache"), arguments);
    }
}
