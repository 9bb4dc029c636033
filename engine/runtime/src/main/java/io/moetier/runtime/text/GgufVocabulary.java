package io.moetier.runtime.text;

import io.moetier.runtime.text.SentencePieceModel.Kind;
import io.moetier.storage.format.JsonObject;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The tokens that the metadata of a GGUF file lists, checked; the id of each is its place.
///
/// A token that the metadata names as the begin or the end of something is a mark, whatever its type says: some files
/// have it as text, and it would then show in answers.
final class GgufVocabulary {
    static final String MODEL = "tokenizer.ggml.model";
    static final String BOS = "tokenizer.ggml.bos_token_id";
    static final String EOS = "tokenizer.ggml.eos_token_id";
    static final String EOT = "tokenizer.ggml.eot_token_id";
    static final String EOM = "tokenizer.ggml.eom_token_id";
    static final String UNK = "tokenizer.ggml.unknown_token_id";
    static final String PAD = "tokenizer.ggml.padding_token_id";

    /// Of files that Ollama made, which name those of a model's `generation_config.json`.
    private static final String ENDS = "tokenizer.ggml.eos_token_ids";

    private static final String TOKENS = "tokenizer.ggml.tokens";
    private static final String TYPES = "tokenizer.ggml.token_type";
    private static final String SENTENCE_PIECE = "llama";

    /// What files that llama.cpp itself saved have where there is no such token.
    private static final long NO_TOKEN = 0xFFFF_FFFFL;

    /// What such files have where a token is a mark and more, as one that takes blanks along or that is not used.
    private static final long NO_TYPE = 0;

    /// What files of [#SENTENCE_PIECE] mean when they name no tokens.
    private static final Map<String, Integer> LLAMA_IDS = Map.of(UNK, 0, BOS, 1, EOS, 2);

    private final JsonObject metadata;
    private final List<String> tokens;
    private final Map<String, Integer> ids = new HashMap<>();
    private final List<Kind> kinds = new ArrayList<>();

    private GgufVocabulary(JsonObject metadata) {
        this.metadata = metadata;
        this.tokens = new ArrayList<>(metadata.optionalStrings(TOKENS).orElse(List.of()));
    }

    static GgufVocabulary read(JsonObject metadata) {
        GgufVocabulary vocabulary = new GgufVocabulary(metadata);
        vocabulary.nameTokens();
        vocabulary.readKinds();
        for (String key : List.of(BOS, EOS, EOT, EOM)) {
            vocabulary.id(key).ifPresent(vocabulary::mark);
        }
        vocabulary.ends().forEach(vocabulary::mark);
        return vocabulary;
    }

    int size() {
        return tokens.size();
    }

    String token(int id) {
        return tokens.get(id);
    }

    Kind kind(int id) {
        return kinds.get(id);
    }

    Optional<Integer> idOf(String token) {
        return Optional.ofNullable(ids.get(token));
    }

    boolean isSentencePiece() {
        return metadata.requireString(MODEL).equals(SENTENCE_PIECE);
    }

    /// Returns the id that the metadata has at `key`, or the one that its absence means.
    Optional<Integer> id(String key) {
        return metadata.optionalLong(key)
                .filter(id -> id != NO_TOKEN)
                .map(id -> checked(key, id))
                .or(() -> impliedId(key));
    }

    private int checked(String key, long id) {
        if (id < 0 || id >= tokens.size()) {
            throw metadata.unexpected(key, "an id from 0 to " + (tokens.size() - 1), id);
        }
        return (int) id;
    }

    /// Returns all tokens that end an answer, where the file lists them.
    List<Integer> ends() {
        return metadata.has(ENDS)
                ? metadata.requireLongs(ENDS).stream()
                        .map(id -> checked(ENDS, id))
                        .toList()
                : List.of();
    }

    /// Says whether the metadata names a token to pad with. Nothing is padded here, and some files write a number that
    /// is no id to say that they have none.
    boolean hasPad() {
        return metadata.optionalLong(PAD)
                .filter(id -> id >= 0 && id < tokens.size())
                .isPresent();
    }

    private Optional<Integer> impliedId(String key) {
        return isSentencePiece()
                ? Optional.ofNullable(LLAMA_IDS.get(key)).filter(id -> id < kinds.size() && isMark(kinds.get(id)))
                : Optional.empty();
    }

    private static boolean isMark(Kind kind) {
        return kind == Kind.CONTROL || kind == Kind.UNKNOWN;
    }

    private void mark(int id) {
        if (!isMark(kinds.get(id))) {
            kinds.set(id, Kind.CONTROL);
        }
    }

    private void nameTokens() {
        if (tokens.isEmpty()) {
            throw metadata.unexpected(TOKENS, "a list of tokens", null);
        }
        for (int id = 0; id < tokens.size(); id++) {
            if (tokens.get(id).isEmpty()) {
                tokens.set(id, "[EMPTY_" + id + "]"); // some files have such; a name of its own keeps it apart
            }
            @Nullable Integer earlier = ids.put(tokens.get(id), id);
            if (earlier != null) {
                String found = "the token of id " + earlier + " again: " + tokens.get(id);
                throw metadata.unexpected(TOKENS + "[" + id + "]", "a token that no other id has", found);
            }
        }
    }

    private void readKinds() {
        if (!metadata.has(TYPES)) {
            tokens.forEach(token -> kinds.add(Kind.NORMAL));
            return;
        }
        List<Long> types = metadata.requireLongs(TYPES);
        if (types.size() != tokens.size()) {
            throw metadata.unexpected(TYPES, tokens.size() + " types, one for each token", types.size());
        }
        for (long type : types) {
            String key = TYPES + "[" + kinds.size() + "]";
            kinds.add(kindNumbered(type)
                    .orElseThrow(() -> metadata.unexpected(key, "0 to " + Kind.values().length, type)));
        }
    }

    private static Optional<Kind> kindNumbered(long type) {
        return type == NO_TYPE ? Optional.of(Kind.CONTROL) : Kind.numbered(type);
    }
}
