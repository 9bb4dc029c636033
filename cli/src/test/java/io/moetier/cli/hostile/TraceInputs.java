package io.moetier.cli.hostile;

import io.moetier.testdata.TestData;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;

/// Routing traces of ours and of others, policy files and files of token ids.
final class TraceInputs {
    private static final String HEADER =
            "{\"format\":\"moe-trace/1\",\"model\":\"m\",\"layers\":1,\"experts\":4,\"top_k\":1,\"moe_layer_indices\":[0],"
                    + "\"tokens\":1,\"requests\":1,\"has_weights\":true}";
    private static final String TOKEN = "{\"r\":0,\"t\":0,\"p\":\"decode\",\"e\":[[1]],\"w\":[[1.0]]}";
    private static final int BOMB_MEBIBYTES = 512;

    private final InputFolder folder;

    private TraceInputs(InputFolder folder) {
        this.folder = folder;
    }

    static List<HostileInput> in(Path path) {
        TraceInputs inputs = new TraceInputs(new InputFolder(path));
        inputs.addAll();
        return inputs.folder.inputs();
    }

    private void addAll() {
        headers().forEach((name, header) -> trace("header-" + name, zipped(header + "\n" + TOKEN + "\n")));
        tokens().forEach((name, token) -> trace("token-" + name, zipped(HEADER + "\n" + token + "\n")));
        byte[] sound = zipped(HEADER + "\n" + TOKEN + "\n");
        trace("half", Arrays.copyOf(sound, sound.length / 2));
        trace("empty", new byte[0]);
        trace("not-zipped", "hello".getBytes(StandardCharsets.UTF_8));
        trace("bomb", bomb(HEADER + "\n"));
        trace("bomb-line", bomb(""));
        foreign();
        policies();
        for (String ids : List.of("", "1,,2", "-1", "99999999999", "1e3", "a", "1\u001b[31m", "320")) {
            String name = "ids-" + ids.replace("\u001b", "esc");
            Path file = folder.file(name, ids);
            folder.add(name, "run", model(), "--ids-file", file.toString(), "-n", "1", "--profile", "none");
        }
    }

    private static Map<String, String> headers() {
        Map<String, String> headers = new LinkedHashMap<>(JsonTexts.hostile(HEADER));
        headers.put("sound", HEADER);
        for (String field : List.of("layers", "experts", "top_k", "tokens", "requests")) {
            for (String value : List.of("0", "-1", "1e999", "2147483647", "4294967297", "\"1\"", "1.5")) {
                String name = field + "-" + value.replace("\"", "");
                headers.put(name, HEADER.replaceFirst("(\"" + field + "\":)\\d+", "$1" + value.replace("\"", "\\\"")));
            }
        }
        headers.put("format", HEADER.replace("moe-trace/1", "moe-trace/\\u001b[31m9"));
        headers.put("indices", HEADER.replace("[0]", "[5,5]"));
        headers.put("model-escape", HEADER.replace("\"m\"", "\"\\u001b]0;owned\\u0007\""));
        return headers;
    }

    private static Map<String, String> tokens() {
        Map<String, String> tokens = new LinkedHashMap<>(JsonTexts.hostile(TOKEN));
        tokens.put("expert-4", TOKEN.replace("[[1]]", "[[4]]"));
        tokens.put("expert-negative", TOKEN.replace("[[1]]", "[[-1]]"));
        tokens.put("expert-huge", TOKEN.replace("[[1]]", "[[4294967297]]"));
        tokens.put("expert-text", TOKEN.replace("[[1]]", "[[\"1\"]]"));
        tokens.put("experts-many", TOKEN.replace("[[1]]", "[[0,1,2,3]]"));
        tokens.put("layers-many", TOKEN.replace("[[1]]", "[[1],[1]]"));
        tokens.put("weight-infinite", TOKEN.replace("1.0", "1e999"));
        tokens.put("weight-negative", TOKEN.replace("1.0", "-1.0"));
        tokens.put("request-backwards", TOKEN + "\n" + TOKEN.replace("\"r\":0", "\"r\":-7"));
        tokens.put("phase", TOKEN.replace("decode", "\\u001b[31m"));
        tokens.put("none", "");
        return tokens;
    }

    private void trace(String name, byte[] content) {
        String file = folder.file(name + ".jsonl.gz", content).toString();
        folder.add(name + "/show", "trace", "show", file);
        folder.add(name + "/tune", "tune", file, "--expert-bytes", "1M", "--device", "rtx3060", "--policies", "lru");
    }

    private void foreign() {
        for (String name : List.of(
                "small.moe-trace.csv",
                "small.route.csv",
                "vllm.jsonl",
                "vllm-0.21.json",
                "routed_experts.npy",
                "routed_experts.npz")) {
            byte[] whole = read(TestData.root().resolve("traces/foreign").resolve(name));
            for (int eighth = 1; eighth <= 8; eighth++) {
                byte[] part = Arrays.copyOf(whole, whole.length * eighth / 8);
                byte[] flipped = whole.clone();
                flipped[whole.length * eighth / 8 - 1] ^= (byte) (1 << (eighth - 1));
                convert(eighth + "-part-" + name, part);
                convert(eighth + "-flipped-" + name, flipped);
            }
        }
    }

    private void convert(String name, byte[] content) {
        String file = folder.file(name, content).toString();
        folder.add(name, "trace", "convert", file, "{work}/out.jsonl.gz", "--experts", "8", "--model", "m");
    }

    private void policies() {
        String sound = "{\"format\":\"moetier-policy/1\",\"policy\":\"lru\",\"ram_bytes\":400000}";
        Map<String, String> policies = new LinkedHashMap<>(JsonTexts.hostile(sound));
        policies.put("sound", sound);
        policies.put("unknown", sound.replace("lru", "\\u001b[31mevil"));
        policies.put("negative", sound.replace("400000", "-1"));
        policies.put("huge", sound.replace("400000", "1e999"));
        policies.put("open", "{\"policy\":\"x\"");
        policies.forEach((name, text) -> folder.add(
                "policy-" + name,
                "run",
                model(),
                "--ids",
                "1,2",
                "-n",
                "1",
                "--profile",
                "none",
                "--policy-file",
                folder.file("policy-" + name + ".json", text).toString()));
    }

    private static String model() {
        return TestData.golden("mixtral").toAbsolutePath().toString();
    }

    private static byte[] zipped(String text) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (OutputStream zip = new GZIPOutputStream(bytes)) {
            zip.write(text.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private static byte[] bomb(String beginning) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        byte[] blanks = new byte[1 << 20];
        Arrays.fill(blanks, (byte) ' ');
        try (OutputStream zip = new GZIPOutputStream(bytes)) {
            zip.write(beginning.getBytes(StandardCharsets.UTF_8));
            for (int mebibyte = 0; mebibyte < BOMB_MEBIBYTES; mebibyte++) {
                zip.write(blanks);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private static byte[] read(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
