package io.moetier.engine.text;

import io.moetier.engine.text.SentencePieceModel.Algorithm;
import io.moetier.engine.text.SentencePieceModel.Kind;
import io.moetier.engine.text.SentencePieceModel.Piece;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Writes the `tokenizer.json` of a checkpoint that has only a SentencePiece `tokenizer.model`.
///
/// The result tokenizes as the model does: the normaliser does what SentencePiece does to blanks, and the merges of
/// BPE, which SentencePiece keeps as scores of pieces, are listed by falling score, as the converters of
/// *transformers* do.
public final class SentencePieceConverter {
    private static final String BLANK = "\u2581"; // SentencePiece's visible form of a blank

    private final SentencePieceModel model;
    private final TokenizerConfig config;
    private final Map<Integer, Map<String, Object>> addedTokens = new TreeMap<>();

    private SentencePieceConverter(SentencePieceModel model, TokenizerConfig config) {
        this.model = model;
        this.config = config;
    }

    /// Converts a BPE or unigram model.
    ///
    /// @param tokenizerConfig the checkpoint's `tokenizer_config.json`, for tokens added after training and
    ///     for whether a text begins or ends with a special token; without it a text begins with one
    /// @return the text of a `tokenizer.json`
    /// @throws MalformedModelException if a file is missing or not what it should be
    public static String toTokenizerJson(Path model, Optional<Path> tokenizerConfig) {
        TokenizerConfig config = tokenizerConfig.map(TokenizerConfig::read).orElse(TokenizerConfig.EMPTY);
        SentencePieceConverter converter = new SentencePieceConverter(SentencePieceModel.read(model), config);
        converter.collectAddedTokens();
        tokenizerConfig.map(Json::readObject).ifPresent(converter::collectTokensAddedLater);
        return Json.write(converter.document());
    }

    private Map<String, @Nullable Object> document() {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("version", "1.0");
        json.put("truncation", null);
        json.put("padding", null);
        json.put("added_tokens", List.copyOf(addedTokens.values()));
        json.put("normalizer", sequence("normalizers", normalizers()));
        json.put("pre_tokenizer", null);
        json.put("post_processor", postProcessor());
        json.put("decoder", sequence("decoders", decoders()));
        json.put("model", model.algorithm() == Algorithm.BPE ? bpe() : unigram());
        return json;
    }

    private void collectAddedTokens() {
        for (int id = 0; id < model.pieces().size(); id++) {
            Piece piece = model.pieces().get(id);
            switch (piece.kind()) {
                case UNKNOWN, CONTROL -> add(id, piece.text(), true);
                case USER_DEFINED -> add(id, piece.text(), false);
                case NORMAL, UNUSED, BYTE -> {}
            }
        }
    }

    private void collectTokensAddedLater(JsonObject json) {
        Optional<JsonObject> tokens = json.optionalObject("added_tokens_decoder");
        for (String key : tokens.map(JsonObject::keys).orElse(java.util.Set.of())) {
            JsonObject token = tokens.orElseThrow().requireObject(key);
            int id;
            try {
                id = Integer.parseInt(key);
            } catch (NumberFormatException e) {
                throw json.unexpected("added_tokens_decoder", "ids as keys", key);
            }
            Map<String, Object> entry = add(
                    id,
                    token.requireString("content"),
                    token.optionalBoolean("special").orElse(false));
            for (String flag : List.of("single_word", "lstrip", "rstrip", "normalized")) {
                token.optionalBoolean(flag).ifPresent(value -> entry.put(flag, value));
            }
        }
    }

    private Map<String, Object> add(int id, String content, boolean special) {
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

    private List<Map<String, ?>> normalizers() {
        List<Map<String, ?>> steps = new ArrayList<>();
        if (model.charsmap().length > 0) {
            String rules = Base64.getEncoder().encodeToString(model.charsmap());
            steps.add(Map.of("type", "Precompiled", "precompiled_charsmap", rules));
        }
        if (model.removeExtraWhitespaces()) {
            steps.add(Map.of("type", "Strip", "strip_left", true, "strip_right", true));
            steps.add(Map.of("type", "Replace", "pattern", Map.of("Regex", " {2,}"), "content", " "));
        }
        if (model.addDummyPrefix()) {
            steps.add(Map.of("type", "Prepend", "prepend", BLANK));
        }
        steps.add(Map.of("type", "Replace", "pattern", Map.of("String", " "), "content", BLANK));
        return steps;
    }

    private List<Map<String, ?>> decoders() {
        List<Map<String, ?>> steps = new ArrayList<>();
        steps.add(Map.of("type", "Replace", "pattern", Map.of("String", BLANK), "content", " "));
        steps.add(Map.of("type", "ByteFallback"));
        steps.add(Map.of("type", "Fuse"));
        if (model.addDummyPrefix()) {
            steps.add(Map.of("type", "Strip", "content", " ", "start", 1, "stop", 0));
        }
        return steps;
    }

    private static Map<String, ?> sequence(String key, List<Map<String, ?>> steps) {
        return Map.of("type", "Sequence", key, steps);
    }

    private Map<String, ?> postProcessor() {
        List<Map<String, ?>> single = new ArrayList<>();
        List<Map<String, ?>> pair = new ArrayList<>();
        Map<String, Object> specials = new LinkedHashMap<>();
        boolean begins = config.addBosToken().orElse(true) && model.bosId() >= 0;
        boolean ends = config.addEosToken().orElse(false) && model.eosId() >= 0;
        for (int part = 0; part < 2; part++) {
            List<Map<String, ?>> steps = new ArrayList<>();
            if (begins) {
                steps.add(special(model.bosId(), part, specials));
            }
            steps.add(Map.of("Sequence", Map.of("id", part == 0 ? "A" : "B", "type_id", part)));
            if (ends) {
                steps.add(special(model.eosId(), part, specials));
            }
            single.addAll(part == 0 ? steps : List.of());
            pair.addAll(steps);
        }
        return Map.of("type", "TemplateProcessing", "single", single, "pair", pair, "special_tokens", specials);
    }

    private Map<String, ?> special(int id, int part, Map<String, Object> specials) {
        String token = model.pieces().get(id).text();
        specials.put(token, Map.of("id", token, "ids", List.of(id), "tokens", List.of(token)));
        return Map.of("SpecialToken", Map.of("id", token, "type_id", part));
    }

    private Map<String, @Nullable Object> bpe() {
        Map<String, Integer> vocabulary = vocabulary();
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("type", "BPE");
        json.put("dropout", null);
        json.put("unk_token", model.pieces().get(model.unkId()).text());
        json.put("fuse_unk", true);
        json.put("byte_fallback", model.byteFallback());
        json.put("vocab", vocabulary);
        json.put("merges", merges(vocabulary));
        return json;
    }

    private Map<String, @Nullable Object> unigram() {
        List<List<Object>> vocabulary = new ArrayList<>();
        for (Piece piece : model.pieces()) {
            vocabulary.add(List.of(piece.text(), (double) piece.score()));
        }
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("type", "Unigram");
        json.put("unk_id", model.unkId());
        json.put("byte_fallback", model.byteFallback());
        json.put("vocab", vocabulary);
        return json;
    }

    private Map<String, Integer> vocabulary() {
        Map<String, Integer> ids = new LinkedHashMap<>();
        for (Piece piece : model.pieces()) {
            ids.put(piece.text(), ids.size());
        }
        return ids;
    }

    private record Merge(String left, String right, float score, int leftId, int rightId) {
        List<String> pair() {
            return List.of(left, right);
        }
    }

    /// Lists every way to make a piece of two, best score first; the sort keeps the order of ways to make one piece.
    private List<List<String>> merges(Map<String, Integer> vocabulary) {
        List<Merge> merges = new ArrayList<>();
        for (Piece piece : model.pieces()) {
            if (piece.kind() == Kind.NORMAL || piece.kind() == Kind.USER_DEFINED) {
                merges.addAll(waysToMake(piece, vocabulary));
            }
        }
        merges.sort(Comparator.comparingDouble(Merge::score).reversed());
        return merges.stream().map(Merge::pair).toList();
    }

    private static List<Merge> waysToMake(Piece piece, Map<String, Integer> vocabulary) {
        List<Merge> ways = new ArrayList<>();
        String text = piece.text();
        for (int cut = 1; cut < text.length(); cut++) {
            Integer left = vocabulary.get(text.substring(0, cut));
            Integer right = vocabulary.get(text.substring(cut));
            if (left != null && right != null) {
                ways.add(new Merge(text.substring(0, cut), text.substring(cut), piece.score(), left, right));
            }
        }
        ways.sort(Comparator.comparingInt(Merge::leftId).thenComparingInt(Merge::rightId));
        return ways;
    }
}
