package io.moetier.runtime.text.jinja;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The filters of Jinja that make one text of another.
final class JinjaTextFilters {
    private static final Pattern WORD = Pattern.compile("[\\p{L}\\p{N}_]+");
    private static final Pattern WORD_OF_TITLE =
            Pattern.compile("[^-({\\[<\\s\\x1c-\\x1f]+", Pattern.UNICODE_CHARACTER_CLASS);

    private JinjaTextFilters() {}

    static Object apply(String name, JinjaArguments arguments, JinjaBudget budget) {
        String text = PythonText.str(arguments.get(0, "value"), budget);
        budget.characters(text.length());
        return switch (name) {
            case "capitalize" -> PythonCharacters.capitalize(text);
            case "center" ->
                PythonCharacters.call(text, "center", JinjaArguments.of(arguments.integer(1, "width", 80)), budget);
            case "e", "escape", "forceescape" -> escape(text, budget);
            case "format" -> PythonFormat.percent(text, values(arguments), budget);
            case "indent" -> indent(text, arguments, budget);
            case "lower" -> PythonStrings.lower(text);
            case "replace" ->
                PythonStrings.replace(
                        text,
                        PythonText.str(arguments.get(1, "old"), budget),
                        PythonText.str(arguments.get(2, "new"), budget),
                        arguments.integer(3, "count", -1),
                        budget);
            case "title" -> title(text);
            case "trim" -> trim(text, arguments.find(1, "chars").orElse(Absent.NONE), budget);
            case "truncate" -> truncate(text, arguments);
            case "upper" -> PythonStrings.upper(text);
            case "urlencode" -> urlEncoded(arguments.get(0, "value"), text, budget);
            case "wordcount" -> WORD.matcher(text).results().count();
            default -> throw new JinjaException("unknown filter '" + name + "'");
        };
    }

    /// Returns a dict or pairs as the query of an address, and anything else as a part of its path.
    private static String urlEncoded(Object value, String text, JinjaBudget budget) {
        return switch (value) {
            case Map<?, ?> map -> query(PythonCollections.items(map, budget), budget);
            case List<?> pairs -> query(pairs, budget);
            default -> urlEncoded(text).replace("+", "%20").replace("%2F", "/");
        };
    }

    private static String query(List<?> pairs, JinjaBudget budget) {
        List<String> fields = new ArrayList<>();
        for (Object pair : pairs) {
            List<Object> parts = PythonValues.elements(pair, budget);
            if (parts.size() != 2) {
                throw new JinjaException("urlencode takes pairs, and is given " + parts.size() + " values together");
            }
            fields.add(urlEncoded(PythonText.str(parts.get(0), budget))
                    + "="
                    + urlEncoded(PythonText.str(parts.get(1), budget)));
        }
        return String.join("&", fields);
    }

    private static String urlEncoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8)
                .replace("*", "%2A")
                .replace("%7E", "~");
    }

    private static Object values(JinjaArguments arguments) {
        return arguments.named().isEmpty()
                ? new PythonTuple(arguments.from(1).positional())
                : new LinkedHashMap<Object, Object>(arguments.named());
    }

    private static String escape(String text, JinjaBudget budget) {
        budget.characters(text.length(), 5);
        return text.replace("&", "&amp;")
                .replace(">", "&gt;")
                .replace("<", "&lt;")
                .replace("'", "&#39;")
                .replace("\"", "&#34;");
    }

    private static String indent(String text, JinjaArguments arguments, JinjaBudget budget) {
        String margin = PythonCharacters.margin(arguments.find(1, "width").orElse(4L), "width", budget);
        boolean first = arguments.flag(2, "first", false);
        boolean blank = arguments.flag(3, "blank", false);
        List<Object> lines = PythonSplitting.lines(text + "\n", false, budget);
        budget.characters(margin.length(), lines.size());
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < lines.size(); i++) {
            String line = (String) lines.get(i);
            boolean indented = i == 0 ? first : blank || !line.isEmpty();
            out.append(i > 0 ? "\n" : "").append(indented ? margin : "").append(line);
        }
        return out.toString();
    }

    /// Capitalizes words as Jinja does, which lets apostrophes be within them.
    private static String title(String text) {
        return WORD_OF_TITLE.matcher(text).replaceAll(word -> {
            String letters = word.group();
            int end = letters.offsetByCodePoints(0, 1);
            return Matcher.quoteReplacement(
                    PythonStrings.upper(letters.substring(0, end)) + PythonStrings.lower(letters.substring(end)));
        });
    }

    private static String trim(String text, Object drop, JinjaBudget budget) {
        return drop instanceof String chars
                ? PythonStrings.strip(text, chars, true, true, budget)
                : PythonStrings.strip(text, budget);
    }

    private static String truncate(String text, JinjaArguments arguments) {
        long length = arguments.integer(1, "length", 255);
        boolean words = !arguments.flag(2, "killwords", false);
        String end = arguments.string(3, "end", "...");
        long leeway = arguments.integer(4, "leeway", 5);
        int size = text.codePointCount(0, text.length());
        if (length < end.length() || leeway < 0) {
            throw new JinjaException("truncate needs a length of at least that of the end");
        }
        if (size <= length || size - length <= leeway) {
            return text;
        }
        String cut = text.substring(0, text.offsetByCodePoints(0, (int) (length - end.length())));
        int blank = words ? cut.lastIndexOf(' ') : -1;
        return (blank >= 0 ? cut.substring(0, blank) : cut) + end;
    }
}
