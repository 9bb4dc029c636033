package io.moetier.runtime.text;

import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// What a `tokenizer.json` holds whatever its vocabulary is: the tokens that a text may name, and those put around it.
final class TokenizerDocument {
    static final String ADDED_LATER = "added_tokens_decoder";

    /// A token by its id and as written.
    record Mark(int id, String token) {}

    private final Map<Integer, Map<String, Object>> addedTokens = new TreeMap<>();
    private Optional<Mark> first = Optional.empty();
    private Optional<Mark> last = Optional.empty();

    /// Lists a token that is found in a text before anything else is done to it.
    ///
    /// @param special whether it is a mark, which is left out of decoded text, rather than text
    /// @return the entry, for further flags
    Map<String, Object> addToken(int id, String content, boolean special) {
        Map<String, Object> token = new LinkedHashMap<>();
        token.put("id", id);
        token.put("content", content);
        token.put("single_word", false);
        token.put("lstrip", false);
        token.put("rstrip", false);
        token.put("normalized", false);
        token.put("special", special);
        addedTokens.put(id, token);
        return token;
    }

    /// Lists the tokens that a `tokenizer_config.json` says were added after training.
    ///
    /// @throws MalformedModelException if they are not what they should be
    void addTokensOf(JsonObject tokenizerConfig) {
        Optional<JsonObject> tokens = tokenizerConfig.optionalObject(ADDED_LATER);
        for (String key : tokens.map(JsonObject::keys).orElse(Set.of())) {
            JsonObject token = tokens.orElseThrow().requireObject(key);
            int id;
            try {
                id = Integer.parseInt(key);
            } catch (NumberFormatException e) {
                throw tokenizerConfig.unexpected(ADDED_LATER, "ids as keys", key);
            }
            Map<String, Object> entry = addToken(
                    id,
                    token.requireString("content"),
                    token.optionalBoolean("special").orElse(false));
            for (String flag : List.of("single_word", "lstrip", "rstrip", "normalized")) {
                token.optionalBoolean(flag).ifPresent(value -> entry.put(flag, value));
            }
        }
    }

    /// Returns the tokens listed, by id.
    SortedMap<Integer, String> tokens() {
        SortedMap<Integer, String> tokens = new TreeMap<>();
        addedTokens.forEach((id, token) -> tokens.put(id, String.valueOf(token.get("content"))));
        return tokens;
    }

    void beginWith(Mark mark) {
        first = Optional.of(mark);
    }

    void endWith(Mark mark) {
        last = Optional.of(mark);
    }

    /// Returns the text of the file.
    String write(
            @Nullable Map<String, ?> normalizer,
            @Nullable Map<String, ?> preTokenizer,
            Map<String, ?> decoder,
            Map<String, ? extends @Nullable Object> model) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("version", "1.0");
        json.put("truncation", null);
        json.put("padding", null);
        json.put("added_tokens", List.copyOf(addedTokens.values()));
        json.put("normalizer", normalizer);
        json.put("pre_tokenizer", preTokenizer);
        json.put("post_processor", postProcessor());
        json.put("decoder", decoder);
        json.put("model", model);
        return Json.write(json);
    }

    /// Returns a vocabulary with the pairs that make its tokens, in their order. Flags say it is of bytes, until others
    /// are put.
    ///
    /// @param ids by token
    static Map<String, @Nullable Object> bpe(Map<String, Integer> ids, List<List<String>> merges) {
        Map<String, @Nullable Object> model = new LinkedHashMap<>();
        model.put("type", "BPE");
        model.put("dropout", null);
        model.put("unk_token", null);
        model.put("continuing_subword_prefix", null);
        model.put("end_of_word_suffix", null);
        model.put("fuse_unk", false);
        model.put("byte_fallback", false);
        model.put("ignore_merges", false);
        model.put("vocab", ids);
        model.put("merges", merges);
        return model;
    }

    /// Returns a component that applies others one after another.
    static Map<String, ?> sequence(String key, List<Map<String, ?>> steps) {
        return Map.of("type", "Sequence", key, steps);
    }

    private Map<String, ?> postProcessor() {
        List<Map<String, ?>> single = new ArrayList<>();
        List<Map<String, ?>> pair = new ArrayList<>();
        Map<String, Object> specials = new LinkedHashMap<>();
        for (int part = 0; part < 2; part++) {
            List<Map<String, ?>> steps = new ArrayList<>();
            if (first.isPresent()) {
                steps.add(special(first.get(), part, specials));
            }
            steps.add(Map.of("Sequence", Map.of("id", part == 0 ? "A" : "B", "type_id", part)));
            if (last.isPresent()) {
                steps.add(special(last.get(), part, specials));
            }
            single.addAll(part == 0 ? steps : List.of());
            pair.addAll(steps);
        }
        return Map.of("type", "TemplateProcessing", "single", single, "pair", pair, "special_tokens", specials);
    }

    private static Map<String, ?> special(Mark mark, int part, Map<String, Object> specials) {
        String token = mark.token();
        specials.put(token, Map.of("id", token, "ids", List.of(mark.id()), "tokens", List.of(token)));
        return Map.of("SpecialToken", Map.of("id", token, "type_id", part));
    }
}
