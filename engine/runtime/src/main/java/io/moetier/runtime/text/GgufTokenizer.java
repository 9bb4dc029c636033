package io.moetier.runtime.text;

import io.moetier.runtime.text.SentencePieceModel.Algorithm;
import io.moetier.runtime.text.SentencePieceModel.Kind;
import io.moetier.runtime.text.SentencePieceModel.Marks;
import io.moetier.runtime.text.SentencePieceModel.Normalization;
import io.moetier.runtime.text.SentencePieceModel.Piece;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Writes the tokenizer files of a checkpoint from the metadata of a GGUF file, which holds the tokenizer itself.
///
/// Three kinds are known: `llama`, a vocabulary of SentencePiece with a score for each piece; `gpt2`, pairs of bytes
/// merged in a listed order within the words that [PreTokenizer] cuts; and `gemma4`, pieces of SentencePiece that are
/// merged in a listed order within lines. The files are read as any checkpoint's, so there is one way to tokenize.
public final class GgufTokenizer {
    private static final Set<String> NONE = Set.of("no_vocab", "none");
    private static final String BYTE_PAIRS = "gpt2";
    private static final String PIECES = "gemma4";
    private static final String BLANK = "\u2581"; // how pieces have it
    private static final String PRE = "tokenizer.ggml.pre";
    private static final String UNNAMED = "default";
    private static final String SCORES = "tokenizer.ggml.scores";
    private static final String MERGES = "tokenizer.ggml.merges";
    private static final String ADD_BOS = "tokenizer.ggml.add_bos_token";
    private static final String ADD_EOS = "tokenizer.ggml.add_eos_token";
    private static final String SUPPRESSED = "tokenizer.ggml.suppress_tokens";
    private static final String TEMPLATE = "tokenizer.chat_template";
    private static final String TEMPLATE_NAMES = "tokenizer.chat_templates";

    /// How texts of architectures are cut that only Ollama calls so, whose files do not name it.
    private static final Map<String, String> OLLAMA =
            Map.of("gptoss", "gpt-4o", "glm4moelite", "glm4", "nemotron_h_omni", "pixtral");

    /// Marks that end an answer in every model that has them. Many files name only one.
    private static final List<String> ENDS_OF_ANSWER = List.of(
            "<|im_end|>",
            "<|eot_id|>",
            "<|eom|>",
            "<|eom_id|>",
            "<end_of_turn>",
            "<turn|>",
            "<eos>",
            "<|tool_response>",
            "<|return|>",
            "<|call|>",
            "<|flush|>",
            "<|calls|>",
            "<|endofresponse|>",
            "[EOS]",
            "[EOT]",
            "<|endoftext|>",
            "<|end_of_text|>");

    /// Ends an answer where it is no text: Gemma writes so where struck text ends.
    private static final String END_OF_TEXT = "</s>";

    /// Ends an answer of Phi, but only a message of one that ends with one of [#BEHIND_MESSAGES].
    private static final String END = "<|end|>";

    /// Of gpt-oss and Solar Open.
    private static final List<String> BEHIND_MESSAGES = List.of("<|return|>", "<|flush|>");

    /// Marks of Phi's models take the blanks behind them along, but for these; their `tokenizer.json` says it, and no
    /// GGUF file does.
    private static final Set<String> ALONE = Set.of("<unk>", "<s>", "<|endoftext|>");

    private static final String PHI = "phimoe";

    private final JsonObject metadata;
    private final GgufVocabulary vocabulary;

    private GgufTokenizer(JsonObject metadata) {
        this.metadata = metadata;
        String model = metadata.requireString(GgufVocabulary.MODEL);
        if (!Set.of("llama", BYTE_PAIRS, PIECES).contains(model)) {
            throw metadata.unexpected(GgufVocabulary.MODEL, "llama, gpt2 or gemma4", model);
        }
        this.vocabulary = GgufVocabulary.read(metadata);
    }

    /// Says whether the file has a tokenizer, of whatever kind.
    public static boolean isPresent(JsonObject metadata) {
        return metadata.optionalString(GgufVocabulary.MODEL)
                .filter(model -> !NONE.contains(model))
                .isPresent();
    }

    /// Returns the text of a `tokenizer.json`.
    ///
    /// @param metadata the values of a GGUF file by their keys
    /// @throws MalformedModelException if the metadata is not what it should be or its tokenizer unknown
    public static String toTokenizerJson(JsonObject metadata) {
        GgufTokenizer tokenizer = new GgufTokenizer(metadata);
        return switch (kind(metadata)) {
            case BYTE_PAIRS -> tokenizer.bytePairs();
            case PIECES -> tokenizer.pieces();
            default -> tokenizer.sentencePiece();
        };
    }

    /// Files that Ollama made of Gemma 4 call its pieces `llama`, which would be merged by scores.
    private static String kind(JsonObject metadata) {
        String model = metadata.requireString(GgufVocabulary.MODEL);
        return metadata.optionalString(PRE).filter(PIECES::equals).isPresent() && model.equals("llama")
                ? PIECES
                : model;
    }

    /// Returns the text of a `tokenizer_config.json`: the special tokens, whether they are added, and the chat
    /// template.
    ///
    /// @param metadata the values of a GGUF file by their keys
    /// @throws MalformedModelException if the metadata is not what it should be or its tokenizer unknown
    public static String toTokenizerConfigJson(JsonObject metadata) {
        GgufVocabulary vocabulary = new GgufTokenizer(metadata).vocabulary;
        Map<String, Object> json = new LinkedHashMap<>();
        Map<String, String> names = new LinkedHashMap<>();
        names.put("bos_token", GgufVocabulary.BOS);
        names.put("eos_token", GgufVocabulary.EOS);
        names.put("unk_token", GgufVocabulary.UNK);
        if (vocabulary.hasPad()) {
            names.put("pad_token", GgufVocabulary.PAD);
        }
        names.forEach((name, key) -> vocabulary.id(key).ifPresent(id -> json.put(name, vocabulary.token(id))));
        metadata.optionalBoolean(ADD_BOS).ifPresent(said -> json.put("add_bos_token", addsBos(metadata, said)));
        metadata.optionalBoolean(ADD_EOS).ifPresent(adds -> json.put("add_eos_token", adds));
        chatTemplate(metadata).ifPresent(template -> json.put("chat_template", template));
        return Json.write(json);
    }

    /// Returns the text of a `generation_config.json`: the tokens that begin a text, end an answer
    /// and are never drawn.
    ///
    /// @param metadata the values of a GGUF file by their keys
    /// @throws MalformedModelException if the metadata is not what it should be or its tokenizer unknown
    public static String toGenerationConfigJson(JsonObject metadata) {
        GgufVocabulary vocabulary = new GgufTokenizer(metadata).vocabulary;
        Set<Integer> ends = new LinkedHashSet<>();
        for (String key : List.of(GgufVocabulary.EOS, GgufVocabulary.EOT, GgufVocabulary.EOM)) {
            vocabulary.id(key).ifPresent(ends::add);
        }
        ends.addAll(vocabulary.ends());
        ENDS_OF_ANSWER.forEach(token -> mark(vocabulary, token).ifPresent(ends::add));
        vocabulary
                .idOf(END_OF_TEXT)
                .filter(id -> vocabulary.kind(id) == Kind.CONTROL)
                .ifPresent(ends::add);
        boolean isOfMessage = BEHIND_MESSAGES.stream()
                .anyMatch(token -> mark(vocabulary, token).isPresent()); // also where the file says otherwise
        mark(vocabulary, END).ifPresent(isOfMessage ? ends::remove : ends::add);
        Map<String, Object> json = new LinkedHashMap<>();
        vocabulary.id(GgufVocabulary.BOS).ifPresent(id -> json.put("bos_token_id", id));
        if (!ends.isEmpty()) {
            json.put("eos_token_id", List.copyOf(ends));
        }
        metadata.optionalInts(SUPPRESSED).ifPresent(ids -> json.put("suppress_tokens", ids));
        return Json.write(json);
    }

    /// Returns the id of a token that is not text; those around tools are of the user in files of Gemma 4.
    private static Optional<Integer> mark(GgufVocabulary vocabulary, String token) {
        return vocabulary
                .idOf(token)
                .filter(id -> Set.of(Kind.CONTROL, Kind.USER_DEFINED).contains(vocabulary.kind(id)));
    }

    /// Returns the template, or a list of named ones if there is more than one.
    private static Optional<Object> chatTemplate(JsonObject metadata) {
        Optional<String> template = metadata.optionalString(TEMPLATE);
        List<Map<String, String>> named = new ArrayList<>();
        template.ifPresent(text -> named.add(Map.of("name", "default", "template", text)));
        for (String name : metadata.optionalStrings(TEMPLATE_NAMES).orElse(List.of())) {
            metadata.optionalString(TEMPLATE + "." + name)
                    .ifPresent(text -> named.add(Map.of("name", name, "template", text)));
        }
        return template.isPresent() && named.size() == 1
                ? Optional.of(template.get())
                : Optional.<Object>of(named).filter(list -> !named.isEmpty());
    }

    private String sentencePiece() {
        List<?> scores = list(SCORES);
        if (scores.size() != vocabulary.size()) {
            throw metadata.unexpected(SCORES, vocabulary.size() + " scores, one for each token", scores.size());
        }
        List<Piece> pieces = new ArrayList<>();
        boolean bytes = false;
        for (int id = 0; id < vocabulary.size(); id++) {
            if (!(scores.get(id) instanceof Number score)) {
                throw metadata.unexpected(SCORES + "[" + id + "]", "a number", scores.get(id));
            }
            pieces.add(new Piece(vocabulary.token(id), score.floatValue(), vocabulary.kind(id)));
            bytes |= vocabulary.kind(id) == Kind.BYTE;
        }
        Marks marks = new Marks(
                vocabulary.id(GgufVocabulary.UNK).orElse(0),
                vocabulary.id(GgufVocabulary.BOS).orElse(-1),
                vocabulary.id(GgufVocabulary.EOS).orElse(-1));
        Normalization normalization = new Normalization(
                "",
                flag("tokenizer.ggml.add_space_prefix", true),
                flag("tokenizer.ggml.remove_extra_whitespaces", false));
        boolean isPhi = architecture().filter(PHI::equals).isPresent();
        return SentencePieceConverter.toTokenizerJson(
                new SentencePieceModel(pieces, Algorithm.BPE, bytes, marks, normalization),
                flag(ADD_BOS, true),
                flag(ADD_EOS, false),
                piece -> isPhi && !ALONE.contains(piece.text()));
    }

    private String bytePairs() {
        PreTokenizer pre = preTokenizer();
        Map<String, @Nullable Object> model = merging(false);
        model.put("unk_token", null);
        model.put("ignore_merges", pre.ignoreMerges());
        return document(pre.addsBos())
                .write(
                        pre.nfc() ? Map.of("type", "NFC") : null,
                        TokenizerDocument.sequence("pretokenizers", pre.steps()),
                        Map.of("type", "ByteLevel", "add_prefix_space", true, "trim_offsets", true, "use_regex", true),
                        model);
    }

    /// What no piece has is spelt in bytes. A piece is of newlines alone, or has none.
    private String pieces() {
        Map<String, @Nullable Object> model = merging(true);
        model.put(
                "unk_token",
                vocabulary.id(GgufVocabulary.UNK).map(vocabulary::token).orElse(null));
        return document(true)
                .write(
                        Map.of("type", "Replace", "pattern", Map.of("String", " "), "content", BLANK),
                        Map.of(
                                "type",
                                "Split",
                                "pattern",
                                Map.of("Regex", "\n+"),
                                "behavior",
                                "Isolated",
                                "invert",
                                false),
                        TokenizerDocument.sequence(
                                "decoders",
                                List.of(
                                        Map.of("type", "Replace", "pattern", Map.of("String", BLANK), "content", " "),
                                        Map.of("type", "ByteFallback"),
                                        Map.of("type", "Fuse"))),
                        model);
    }

    private Map<String, @Nullable Object> merging(boolean pieces) {
        Map<String, Integer> ids = new LinkedHashMap<>();
        for (int id = 0; id < vocabulary.size(); id++) {
            // The original files lack unused tokens, which only fill the vocabulary up to the rows of the matrix.
            if (vocabulary.kind(id) != Kind.UNUSED) {
                ids.put(vocabulary.token(id), id);
            }
        }
        Map<String, @Nullable Object> model = TokenizerDocument.bpe(ids, merges(ids));
        model.put("fuse_unk", pieces);
        model.put("byte_fallback", pieces);
        return model;
    }

    /// Returns what a text may name, and what is put around it.
    ///
    /// @param begins whether a text begins with a mark where the metadata does not say
    private TokenizerDocument document(boolean begins) {
        TokenizerDocument document = new TokenizerDocument();
        for (int id = 0; id < vocabulary.size(); id++) {
            switch (vocabulary.kind(id)) {
                case UNKNOWN, CONTROL -> document.addToken(id, vocabulary.token(id), true);
                case USER_DEFINED -> document.addToken(id, vocabulary.token(id), false);
                case NORMAL, UNUSED, BYTE -> {}
            }
        }
        if (addsBos(metadata, begins)) {
            mark(GgufVocabulary.BOS).ifPresent(document::beginWith);
        }
        if (flag(ADD_EOS, false)) {
            mark(GgufVocabulary.EOS).ifPresent(document::endWith);
        }
        return document;
    }

    /// Says whether a text has a first token: always with Gemma 4, whose early files deny it.
    private static boolean addsBos(JsonObject metadata, boolean absent) {
        return kind(metadata).equals(PIECES)
                || metadata.optionalBoolean(ADD_BOS).orElse(absent);
    }

    private Optional<String> architecture() {
        return metadata.optionalString("general.architecture");
    }

    private PreTokenizer preTokenizer() {
        String name = metadata.optionalString(PRE)
                .filter(said -> !said.equals(UNNAMED))
                .orElseGet(() -> architecture()
                        .map(architecture -> OLLAMA.getOrDefault(architecture, UNNAMED))
                        .orElse(UNNAMED));
        return PreTokenizer.named(name)
                .orElseThrow(() -> metadata.unexpected(PRE, "one of " + PreTokenizer.names(), name));
    }

    private Optional<TokenizerDocument.Mark> mark(String key) {
        return vocabulary.id(key).map(id -> new TokenizerDocument.Mark(id, vocabulary.token(id)));
    }

    private List<List<String>> merges(Map<String, Integer> ids) {
        List<List<String>> merges = new ArrayList<>();
        for (Object element : list(MERGES)) {
            String merge = String.valueOf(element);
            int blank = merge.indexOf(' ', 1); // a first blank is text
            String left = merge.substring(0, Math.max(blank, 0));
            String right = merge.substring(blank + 1);
            if (blank < 0 || !ids.containsKey(left) || !ids.containsKey(right) || !ids.containsKey(left + right)) {
                String key = MERGES + "[" + merges.size() + "]";
                throw metadata.unexpected(key, "two tokens that make a token, with a blank between them", merge);
            }
            merges.add(List.of(left, right));
        }
        return merges;
    }

    private List<?> list(String key) {
        @Nullable Object value = metadata.asMap().get(key);
        if (value instanceof List<?> list) {
            return list;
        }
        throw metadata.unexpected(key, "a list", value);
    }

    private boolean flag(String key, boolean absent) {
        return metadata.optionalBoolean(key).orElse(absent);
    }
}
