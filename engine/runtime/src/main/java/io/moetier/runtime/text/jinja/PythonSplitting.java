package io.moetier.runtime.text.jinja;

import java.util.ArrayList;
import java.util.List;

/// The methods of Python's strings that cut one into several.
final class PythonSplitting {
    private static final String LINE_ENDS = "\n\r\u000B\f\u001C\u001D\u001E\u0085\u2028\u2029";

    private PythonSplitting() {}

    /// Splits at a separator, or at runs of blanks if none is given; the second argument limits how often.
    static List<Object> split(String text, JinjaArguments arguments, JinjaBudget budget) {
        long limit = limit(arguments);
        if (!(arguments.find(0, "sep").orElse(Absent.NONE) instanceof String separator)) {
            return words(text, limit, budget);
        }
        List<Object> parts = new ArrayList<>();
        int from = 0;
        for (int at : PythonStrings.places(text, checked(separator), limit, budget)) {
            parts.add(text.substring(from, at));
            from = at + separator.length();
        }
        parts.add(text.substring(from));
        return parts;
    }

    /// Splits as [#split] does, but counts from the end.
    static List<Object> splitFromEnd(String text, JinjaArguments arguments, JinjaBudget budget) {
        long limit = limit(arguments);
        if (!(arguments.find(0, "sep").orElse(Absent.NONE) instanceof String separator)) {
            return wordsFromEnd(text, limit, budget);
        }
        budget.search(text.length(), checked(separator).length());
        List<Object> parts = new ArrayList<>();
        int to = text.length();
        int at = text.lastIndexOf(separator, to - separator.length());
        for (; at >= 0 && parts.size() < limit; at = text.lastIndexOf(separator, to - separator.length())) {
            budget.steps(1);
            parts.add(text.substring(at + separator.length(), to));
            to = at;
        }
        parts.add(text.substring(0, to));
        return PythonStrings.reversed(parts);
    }

    private static long limit(JinjaArguments arguments) {
        long given = arguments.integer(1, "maxsplit", -1);
        return given < 0 ? Long.MAX_VALUE : given;
    }

    private static String checked(String separator) {
        if (separator.isEmpty()) {
            throw new JinjaException("a separator must not be empty");
        }
        return separator;
    }

    private static List<Object> words(String text, long limit, JinjaBudget budget) {
        List<Object> words = new ArrayList<>();
        int at = afterBlanks(text, 0);
        while (at < text.length() && words.size() < limit) {
            budget.steps(1);
            int end = at;
            while (end < text.length() && !PythonStrings.isBlank(text.charAt(end))) {
                end++;
            }
            words.add(text.substring(at, end));
            at = afterBlanks(text, end);
        }
        if (at < text.length()) {
            words.add(text.substring(at));
        }
        return words;
    }

    private static int afterBlanks(String text, int from) {
        int at = from;
        while (at < text.length() && PythonStrings.isBlank(text.charAt(at))) {
            at++;
        }
        return at;
    }

    private static List<Object> wordsFromEnd(String text, long limit, JinjaBudget budget) {
        List<Object> words = words(new StringBuilder(text).reverse().toString(), limit, budget);
        words.replaceAll(word -> new StringBuilder((String) word).reverse().toString());
        return PythonStrings.reversed(words);
    }

    static List<Object> lines(String text, boolean keepEnds, JinjaBudget budget) {
        List<Object> lines = new ArrayList<>();
        int from = 0;
        while (from < text.length()) {
            budget.steps(1);
            int at = from;
            while (at < text.length() && LINE_ENDS.indexOf(text.charAt(at)) < 0) {
                at++;
            }
            int next = Math.min(text.length(), text.startsWith("\r\n", at) ? at + 2 : at + 1);
            lines.add(text.substring(from, keepEnds ? next : at));
            from = next;
        }
        return lines;
    }

    static PythonTuple partition(String text, String separator, boolean last, JinjaBudget budget) {
        budget.search(text.length(), checked(separator).length());
        int at = last ? text.lastIndexOf(separator) : text.indexOf(separator);
        if (at < 0) {
            return last ? PythonTuple.of("", "", text) : PythonTuple.of(text, "", "");
        }
        return PythonTuple.of(text.substring(0, at), separator, text.substring(at + separator.length()));
    }
}
