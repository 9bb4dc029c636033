package io.moetier.runtime.text;

import io.moetier.runtime.text.SentencePieceModel.Piece;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Metadata as a GGUF file has it, made for tests.
public final class GgufMetadata {
    static final Path FILE = Path.of("model.gguf");

    private final Map<String, Object> values = new LinkedHashMap<>();

    /// The metadata of the test model: its `tokenizer.model`, piece by piece.
    public static GgufMetadata tinyMixtral() {
        List<Piece> pieces = SentencePieceFile.read(Texts.TOKENIZER_MODEL).pieces();
        return new GgufMetadata()
                .put("model", "llama")
                .put("tokens", pieces.stream().map(Piece::text).toList())
                .put("scores", pieces.stream().map(Piece::score).toList())
                .put(
                        "token_type",
                        pieces.stream()
                                .map(piece -> List.of(SentencePieceModel.Kind.values())
                                                .indexOf(piece.kind())
                                        + 1)
                                .toList())
                .put("bos_token_id", 1)
                .put("eos_token_id", 2)
                .put("unknown_token_id", 0)
                .put("add_bos_token", true)
                .put("add_eos_token", false);
    }

    /// A vocabulary of all bytes, some merged pairs and some marks, which follow in this order.
    static GgufMetadata bytePairs(String pre, List<String> merges, List<String> marks) {
        List<String> tokens = new ArrayList<>();
        List<Integer> types = new ArrayList<>();
        for (int value = 0; value < 256; value++) {
            tokens.add(Character.toString(byteAsCharacter(value)));
        }
        merges.forEach(merge -> tokens.add(merge.replace(" ", "")));
        tokens.forEach(token -> types.add(1));
        tokens.addAll(marks);
        marks.forEach(mark -> types.add(3));
        return new GgufMetadata()
                .put("model", "gpt2")
                .put("pre", pre)
                .put("tokens", tokens)
                .put("token_type", types)
                .put("merges", merges);
    }

    GgufMetadata put(String key, Object value) {
        return putWhole("tokenizer.ggml." + key, value);
    }

    GgufMetadata putWhole(String key, Object value) {
        values.put(key, value);
        return this;
    }

    GgufMetadata remove(String key) {
        values.remove("tokenizer.ggml." + key);
        return this;
    }

    @SuppressWarnings("unchecked") // the lists of this class hold strings or numbers only
    GgufMetadata append(String token, int type) {
        List<Object> tokens = new ArrayList<>((List<Object>) values.getOrDefault("tokenizer.ggml.tokens", List.of()));
        List<Object> types =
                new ArrayList<>((List<Object>) values.getOrDefault("tokenizer.ggml.token_type", List.of()));
        tokens.add(token);
        types.add(type);
        return put("tokens", tokens).put("token_type", types);
    }

    /// Returns the values by their whole keys.
    public Map<String, Object> values() {
        return values;
    }

    JsonObject json() {
        return Json.parseObject(Json.write(values).getBytes(StandardCharsets.UTF_8), FILE);
    }

    /// The character that stands for a byte: itself if it can be printed, else the next from 256 on.
    static int byteAsCharacter(int value) {
        int next = 256;
        for (int b = 0; b < 256; b++) {
            boolean printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
            if (b == value) {
                return printable ? b : next;
            }
            next += printable ? 0 : 1;
        }
        throw new IllegalArgumentException("not a byte: " + value);
    }
}
