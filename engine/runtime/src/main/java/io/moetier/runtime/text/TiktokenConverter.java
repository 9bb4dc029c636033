package io.moetier.runtime.text;

import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Writes the `tokenizer.json` of a checkpoint that has only a vocabulary of tiktoken, as Moonshot publishes Kimi,
/// Moonlight and Kimi-VL: a `tiktoken.model` with the ranks of tokens, and a `tokenizer_config.json` with the marks
/// behind them.
///
/// How a text is cut into words stands in neither, but in the Python source beside them, which is the same for all of
/// them. It takes a word whole that is a token, and numbers 256 marks behind the ranks; those without a name are called
/// by their number.
public final class TiktokenConverter {
    private static final String TIKTOKEN = "tiktoken.model";
    private static final String CUT = "kimi-k2";
    private static final int RESERVED = 256;
    private static final String CLASS = "tokenizer_class";
    private static final String MAP = "auto_map";

    /// The class of Python, its module, and the repository of that in what transformers saved.
    private static final Pattern MOONSHOT =
            Pattern.compile("(?:.*--)?(?:tokenization_(?:kimi|moonshot)\\.)?TikTokenTokenizer");

    private TiktokenConverter() {}

    /// Converts a model.
    ///
    /// @param tokenizerConfig the checkpoint's `tokenizer_config.json`
    /// @return the text of a `tokenizer.json`
    /// @throws MalformedModelException if a file is missing or not what it should be, or the tokenizer is another's
    public static String toTokenizerJson(Path model, Optional<Path> tokenizerConfig) {
        JsonObject config = Json.readObject(tokenizerConfig.orElseThrow(() -> MalformedModelException.of(
                model, "marks", "a tokenizer_config.json beside it, which names them", "none")));
        requireMoonshot(config);
        List<String> tokens = TiktokenFile.read(model);
        TokenizerDocument document = new TokenizerDocument();
        document.addTokensOf(config);
        requireBehind(tokens.size(), document.tokens(), config);
        nameReserved(tokens.size(), document);
        PreTokenizer pre = PreTokenizer.named(CUT).orElseThrow();
        return document.write(
                null,
                TokenizerDocument.sequence("pretokenizers", pre.steps()),
                Map.of("type", "ByteLevel", "add_prefix_space", true, "trim_offsets", true, "use_regex", true),
                model(tokens, document.tokens(), pre.ignoreMerges(), config));
    }

    private static void requireMoonshot(JsonObject config) {
        Optional<JsonObject> map = config.optionalObject(MAP);
        String field = map.isPresent() ? MAP + ".AutoTokenizer" : CLASS;
        @Nullable Object said = map.map(names -> names.value("AutoTokenizer")).orElseGet(() -> config.value(CLASS));
        @Nullable Object first = said instanceof List<?> list && !list.isEmpty() ? list.getFirst() : said;
        if (!(first instanceof String name && MOONSHOT.matcher(name).matches())) {
            throw config.unexpected(
                    field,
                    "TikTokenTokenizer of tokenization_kimi or tokenization_moonshot, as " + TIKTOKEN
                            + " does not say how words are cut",
                    first);
        }
    }

    private static void requireBehind(int ranks, SortedMap<Integer, String> marks, JsonObject config) {
        if (!marks.isEmpty() && marks.firstKey() < ranks) {
            throw config.unexpected(
                    TokenizerDocument.ADDED_LATER,
                    "ids from " + ranks + " on, behind the ranks of " + TIKTOKEN,
                    marks.firstKey());
        }
    }

    private static void nameReserved(int ranks, TokenizerDocument document) {
        SortedMap<Integer, String> named = document.tokens();
        for (int id = ranks; id < ranks + RESERVED; id++) {
            if (!named.containsKey(id)) {
                document.addToken(id, "<|reserved_token_" + id + "|>", true);
            }
        }
    }

    private static Map<String, @Nullable Object> model(
            List<String> tokens, SortedMap<Integer, String> marks, boolean takesWhole, JsonObject config) {
        Map<String, Integer> ids = new LinkedHashMap<>();
        List<String> signs = new ArrayList<>();
        for (String token : tokens) {
            signs.add(ByteSigns.write(token));
            ids.put(signs.getLast(), ids.size());
        }
        marks.forEach((id, mark) -> {
            if (ids.putIfAbsent(mark, id) != null) {
                throw config.unexpected(TokenizerDocument.ADDED_LATER, "marks that no other token is written as", mark);
            }
        });
        Map<String, @Nullable Object> model = TokenizerDocument.bpe(ids, merges(tokens, signs));
        model.put("ignore_merges", takesWhole);
        return model;
    }

    /// Returns the two tokens that make each token, in the order of these.
    private static List<List<String>> merges(List<String> tokens, List<String> signs) {
        TiktokenMerges merges = new TiktokenMerges(tokens);
        List<List<String>> pairs = new ArrayList<>();
        for (int id = 0; id < tokens.size(); id++) {
            String written = signs.get(id);
            merges.cut(tokens.get(id))
                    .ifPresent(cut -> pairs.add(List.of(written.substring(0, cut), written.substring(cut))));
        }
        return pairs;
    }
}
