package io.moetier.runtime.text;

import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// The tokens of a translation model that stand for languages, such as `fra_Latn` (NLLB Team 2022, arXiv:2207.04672): a
/// language by ISO 639-3 and its script by ISO 15924. One stands at an end of the text to be translated, one begins
/// the translation.
public final class LanguageTokens {
    /// No language.
    public static final LanguageTokens NONE = new LanguageTokens(Map.of());

    private static final Pattern LANGUAGE = Pattern.compile("[a-z]{3}_[A-Z][a-z]{3}");
    private static final int SHOWN = 5;

    private final Map<String, Integer> ids;

    private LanguageTokens(Map<String, Integer> ids) {
        this.ids = ids;
    }

    /// Reads those of a `tokenizer.json`; most have none.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if the file is not what it should be
    public static LanguageTokens read(Path tokenizerJson) {
        JsonObject json = Json.readObject(tokenizerJson);
        Map<String, Integer> ids = new TreeMap<>();
        if (json.has("added_tokens")) {
            for (JsonObject token : json.requireObjects("added_tokens")) {
                String content = token.requireString("content");
                if (LANGUAGE.matcher(content).matches()) {
                    ids.put(content, token.requireInt("id"));
                }
            }
        }
        return new LanguageTokens(ids);
    }

    /// Says whether there are none.
    public boolean isEmpty() {
        return ids.isEmpty();
    }

    /// Returns the token of a language.
    ///
    /// @throws IllegalArgumentException if there is none, with those that are written most like it
    public int idOf(String language) {
        Integer id = ids.get(language);
        if (id == null) {
            throw new IllegalArgumentException(
                    "expected a language of the model, such as " + nearest(language) + ", found '" + language + "'");
        }
        return id;
    }

    private String nearest(String language) {
        return ids.keySet().stream()
                .sorted(Comparator.comparingInt(known -> -commonBeginning(known, language)))
                .limit(SHOWN)
                .collect(Collectors.joining(", "));
    }

    private static int commonBeginning(String known, String found) {
        int length = 0;
        while (length < Math.min(known.length(), found.length())
                && Character.toLowerCase(known.charAt(length)) == Character.toLowerCase(found.charAt(length))) {
            length++;
        }
        return length;
    }

    /// Returns the tokens of a text as being in the language `id`: it takes the place of the language that the
    /// tokenizer put in front of the text or behind it, or else comes in front.
    public int[] from(int id, int[] text) {
        int[] placed = text.clone();
        if (text.length > 0 && ids.containsValue(text[0])) {
            placed[0] = id;
            return placed;
        }
        if (text.length > 0 && ids.containsValue(text[text.length - 1])) {
            placed[text.length - 1] = id;
            return placed;
        }
        int[] longer = new int[text.length + 1];
        longer[0] = id;
        System.arraycopy(text, 0, longer, 1, text.length);
        return longer;
    }
}
