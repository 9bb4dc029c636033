package io.moetier.runtime.text;

import io.moetier.runtime.text.SentencePieceModel.Algorithm;
import io.moetier.runtime.text.SentencePieceModel.Kind;
import io.moetier.runtime.text.SentencePieceModel.Piece;
import io.moetier.storage.format.Json;
import io.moetier.storage.model.MalformedModelException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// Writes the `tokenizer.json` of a checkpoint that has only a vocabulary of SentencePiece: a `tokenizer.model`, or
/// what a GGUF file keeps of one.
///
/// The result tokenizes as the model does: the normaliser does what SentencePiece does to blanks, and the merges of
/// BPE, which SentencePiece keeps as scores of pieces, are listed by falling score, as the converters of
/// *transformers* do.
public final class SentencePieceConverter {
    private static final String BLANK = "\u2581"; // SentencePiece's visible form of a blank

    private final SentencePieceModel model;
    private final TokenizerDocument document = new TokenizerDocument();

    private SentencePieceConverter(SentencePieceModel model) {
        this.model = model;
    }

    /// Converts a BPE or unigram model.
    ///
    /// @param tokenizerConfig the checkpoint's `tokenizer_config.json`, for tokens added after training and
    ///     for whether a text begins or ends with a special token; without it a text begins with one
    /// @return the text of a `tokenizer.json`
    /// @throws MalformedModelException if a file is missing or not what it should be
    public static String toTokenizerJson(Path model, Optional<Path> tokenizerConfig) {
        TokenizerConfig config = tokenizerConfig.map(TokenizerConfig::read).orElse(TokenizerConfig.EMPTY);
        SentencePieceConverter converter = new SentencePieceConverter(SentencePieceFile.read(model));
        converter.collectAddedTokens(piece -> false);
        tokenizerConfig.map(Json::readObject).ifPresent(converter.document::addTokensOf);
        return converter.write(
                config.addBosToken().orElse(true), config.addEosToken().orElse(false));
    }

    /// Converts a model that has been read.
    ///
    /// @param begins whether a text begins with the model's mark for that, if it has one
    /// @param ends whether a text ends with the model's mark for that, if it has one
    /// @param takesBlanks which marks take the blanks behind them along
    static String toTokenizerJson(
            SentencePieceModel model, boolean begins, boolean ends, Predicate<Piece> takesBlanks) {
        SentencePieceConverter converter = new SentencePieceConverter(model);
        converter.collectAddedTokens(takesBlanks);
        return converter.write(begins, ends);
    }

    private String write(boolean begins, boolean ends) {
        if (begins && model.marks().bosId() >= 0) {
            document.beginWith(mark(model.marks().bosId()));
        }
        if (ends && model.marks().eosId() >= 0) {
            document.endWith(mark(model.marks().eosId()));
        }
        return document.write(
                TokenizerDocument.sequence("normalizers", normalizers()),
                null,
                TokenizerDocument.sequence("decoders", decoders()),
                model.algorithm() == Algorithm.BPE ? bpe() : unigram());
    }

    private TokenizerDocument.Mark mark(int id) {
        return new TokenizerDocument.Mark(id, model.pieces().get(id).text());
    }

    private void collectAddedTokens(Predicate<Piece> takesBlanks) {
        for (int id = 0; id < model.pieces().size(); id++) {
            Piece piece = model.pieces().get(id);
            switch (piece.kind()) {
                case UNKNOWN, CONTROL, USER_DEFINED ->
                    document.addToken(id, piece.text(), piece.kind() != Kind.USER_DEFINED)
                            .put("rstrip", takesBlanks.test(piece));
                case NORMAL, UNUSED, BYTE -> {}
            }
        }
    }

    private List<Map<String, ?>> normalizers() {
        List<Map<String, ?>> steps = new ArrayList<>();
        String rules = model.normalization().charsmap();
        if (!rules.isEmpty()) {
            steps.add(Map.of("type", "Precompiled", "precompiled_charsmap", rules));
        }
        if (model.normalization().removeExtraWhitespaces()) {
            steps.add(Map.of("type", "Strip", "strip_left", true, "strip_right", true));
            steps.add(Map.of("type", "Replace", "pattern", Map.of("Regex", " {2,}"), "content", " "));
        }
        if (model.normalization().addDummyPrefix()) {
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
        if (model.normalization().addDummyPrefix()) {
            steps.add(Map.of("type", "Strip", "content", " ", "start", 1, "stop", 0));
        }
        return steps;
    }

    private Map<String, @Nullable Object> bpe() {
        Map<String, Integer> vocabulary = vocabulary();
        Map<String, @Nullable Object> json = TokenizerDocument.bpe(vocabulary, merges(vocabulary));
        json.put("unk_token", model.pieces().get(model.marks().unkId()).text());
        json.put("fuse_unk", true);
        json.put("byte_fallback", model.byteFallback());
        return json;
    }

    private Map<String, @Nullable Object> unigram() {
        List<List<Object>> vocabulary = new ArrayList<>();
        for (Piece piece : model.pieces()) {
            vocabulary.add(List.of(piece.text(), (double) piece.score()));
        }
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("type", "Unigram");
        json.put("unk_id", model.marks().unkId());
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
