package io.moetier.runtime.text.bounded;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import io.moetier.runtime.text.Tokenizer;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Small tokenizers, and what the native library makes of texts with them.
final class TokenizerFiles {
    private static final Path SOURCE = Path.of("tokenizer.json");

    private TokenizerFiles() {}

    /// Returns a `tokenizer.json` with a byte-level vocabulary, some merges, and one component changed.
    static String with(String key, @Nullable Object value) {
        Map<String, @Nullable Object> json = bytePairs();
        json.put(key, value);
        return Json.write(json);
    }

    /// Returns one with a normalizer, which cuts words as GPT-2 does.
    static String normalizing(Map<String, ?> normalizer) {
        Map<String, @Nullable Object> json = bytePairs();
        json.put("normalizer", normalizer);
        json.put("pre_tokenizer", bytes(true));
        return Json.write(json);
    }

    /// Returns one that cuts words with a pattern and writes them as bytes.
    static String cutting(String pattern) {
        Map<String, ?> split =
                Map.of("type", "Split", "pattern", Map.of("Regex", pattern), "behavior", "Isolated", "invert", false);
        return with("pre_tokenizer", Map.of("type", "Sequence", "pretokenizers", List.of(split, bytes(false))));
    }

    static Map<String, ?> bytes(boolean addsBlank) {
        return Map.of("type", "ByteLevel", "add_prefix_space", addsBlank, "trim_offsets", true, "use_regex", addsBlank);
    }

    static String tinyMixtral() {
        try {
            return Files.readString(TestData.tinyMixtral().resolve("tokenizer.json"));
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    static JsonObject parse(String json) {
        return Json.parseObject(json.getBytes(StandardCharsets.UTF_8), SOURCE);
    }

    static TokenizerBounds bounds(String json) {
        return TokenizerBounds.of(parse(json));
    }

    /// Loads the native library, as opening any tokenizer does.
    static TokenizersLibrary library() {
        Tokenizer.open(TestData.tinyMixtral().resolve("tokenizer.json"), Optional.empty(), Path.of("target", "native"))
                .close();
        return TokenizersLibrary.LIB;
    }

    private static Map<String, @Nullable Object> bytePairs() {
        Map<String, Integer> vocabulary = new LinkedHashMap<>();
        int unseen = 256;
        for (int value = 0; value < 256; value++) {
            boolean isSeen = (value > ' ' && value < 0x7f) || (value > 0xa0 && value != 0xad);
            vocabulary.put(Character.toString(isSeen ? value : unseen++), value);
        }
        List<List<String>> merges = new ArrayList<>();
        String pairs = "h e,t he,Ġ t,Ġt he,Ġ the,Ġ a,Ġ Ġ,ĠĠ ĠĠ,Ċ Ċ,Ġ Ċ,i n,1 2,12 3,! !,a a,aa aa,. Ċ,e Ġ,' s,æ Ĺ,æĹ ¥";
        for (String pair : pairs.split(",", -1)) {
            List<String> parts = List.of(pair.split(" ", -1));
            merges.add(parts);
            vocabulary.putIfAbsent(String.join("", parts), vocabulary.size());
        }
        Map<String, @Nullable Object> model = new LinkedHashMap<>();
        model.put("type", "BPE");
        model.put("vocab", vocabulary);
        model.put("merges", merges);
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("version", "1.0");
        json.put("added_tokens", List.of(token(300, "<|end|>"), token(301, "[x]")));
        json.put("normalizer", null);
        json.put("pre_tokenizer", bytes(false));
        json.put("post_processor", null);
        json.put("decoder", bytes(false));
        json.put("model", model);
        return json;
    }

    static Map<String, Object> token(int id, String content) {
        Map<String, Object> token = new LinkedHashMap<>();
        token.put("id", id);
        token.put("content", content);
        for (String flag : List.of("single_word", "lstrip", "rstrip", "normalized", "special")) {
            token.put(flag, false);
        }
        return token;
    }
}
