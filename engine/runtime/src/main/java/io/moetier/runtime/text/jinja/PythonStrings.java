package io.moetier.runtime.text.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;

/// The methods of Python's strings. Positions count characters as Python does, not the units of UTF-16.
final class PythonStrings {
    private static final String BLANKS =
            " \t\n\r\f\u000B\u001C\u001D\u001E\u001F\u0085\u00A0\u1680\u2000\u2001\u2002\u2003\u2004"
                    + "\u2005\u2006\u2007\u2008\u2009\u200A\u2028\u2029\u202F\u205F\u3000";

    private PythonStrings() {}

    static Object call(String text, String method, JinjaArguments arguments, JinjaBudget budget) {
        budget.characters(text.length());
        return switch (method) {
            case "startswith" -> affix(part(text, arguments, budget), arguments, budget, true);
            case "endswith" -> affix(part(text, arguments, budget), arguments, budget, false);
            case "strip" -> strip(text, arguments, true, true, budget);
            case "lstrip" -> strip(text, arguments, true, false, budget);
            case "rstrip" -> strip(text, arguments, false, true, budget);
            case "removeprefix" -> {
                String prefix = arguments.string(0, "prefix");
                yield text.startsWith(prefix) ? text.substring(prefix.length()) : text;
            }
            case "removesuffix" -> {
                String suffix = arguments.string(0, "suffix");
                yield text.endsWith(suffix) ? text.substring(0, text.length() - suffix.length()) : text;
            }
            case "split" -> PythonSplitting.split(text, arguments, budget);
            case "rsplit" -> PythonSplitting.splitFromEnd(text, arguments, budget);
            case "splitlines" -> PythonSplitting.lines(text, arguments.flag(0, "keepends", false), budget);
            case "partition" -> PythonSplitting.partition(text, arguments.string(0, "sep"), false, budget);
            case "rpartition" -> PythonSplitting.partition(text, arguments.string(0, "sep"), true, budget);
            case "replace" ->
                replace(
                        text,
                        arguments.string(0, "old"),
                        arguments.string(1, "new"),
                        arguments.integer(2, "count", -1),
                        budget);
            case "find", "index" -> position(text, arguments, false, method.equals("index"), budget);
            case "rfind", "rindex" -> position(text, arguments, true, method.equals("rindex"), budget);
            case "count" -> count(part(text, arguments, budget), arguments.string(0, "sub"), budget);
            case "join" -> join(text, PythonValues.elements(arguments.get(0, "iterable"), budget), budget);
            case "format" -> PythonFormat.braces(text, arguments, budget);
            default -> PythonCharacters.call(text, method, arguments, budget);
        };
    }

    /// Returns the part of a text in which a method is to look.
    private static String part(String text, JinjaArguments arguments, JinjaBudget budget) {
        Object from = arguments.find(1, "start").orElse(Absent.NONE);
        return substring(text, from, arguments.find(2, "end").orElse(Absent.NONE), budget);
    }

    private static boolean affix(String text, JinjaArguments arguments, JinjaBudget budget, boolean start) {
        Object given = arguments.get(0, "prefix");
        for (Object affix : given instanceof String ? List.of(given) : PythonValues.elements(given, budget)) {
            String part = JinjaArguments.of(affix).string(0, "prefix");
            if (start ? text.startsWith(part) : text.endsWith(part)) {
                return true;
            }
        }
        return false;
    }

    private static String strip(
            String text, JinjaArguments arguments, boolean left, boolean right, JinjaBudget budget) {
        Object chars = arguments.find(0, "chars").orElse(Absent.NONE);
        return chars instanceof String drop
                ? strip(text, drop, left, right, budget)
                : strip(text, PythonStrings::isBlank, left, right, budget);
    }

    static String strip(String text, String drop, boolean left, boolean right, JinjaBudget budget) {
        budget.characters(text.length(), drop.length());
        return strip(text, c -> drop.indexOf(c) >= 0, left, right, budget);
    }

    private static String strip(String text, IntPredicate drops, boolean left, boolean right, JinjaBudget budget) {
        budget.characters(text.length());
        int from = 0;
        int to = text.length();
        while (left && from < to && drops.test(text.codePointAt(from))) {
            from += Character.charCount(text.codePointAt(from));
        }
        while (right && to > from && drops.test(text.codePointBefore(to))) {
            to -= Character.charCount(text.codePointBefore(to));
        }
        return text.substring(from, to);
    }

    static String strip(String text, JinjaBudget budget) {
        return strip(text, PythonStrings::isBlank, true, true, budget);
    }

    static boolean isBlank(int c) {
        return BLANKS.indexOf(c) >= 0;
    }

    /// Replaces `old`, at most `limit` times if that is not negative.
    static String replace(String text, String old, String replacement, long limit, JinjaBudget budget) {
        if (old.isEmpty()) {
            return interleave(text, replacement, limit, budget);
        }
        List<Integer> places = places(text, old, limit < 0 ? Long.MAX_VALUE : limit, budget);
        budget.characters(replacement.length(), places.size());
        StringBuilder out = new StringBuilder();
        int from = 0;
        for (int place : places) {
            out.append(text, from, place).append(replacement);
            from = place + old.length();
        }
        return out.append(text, from, text.length()).toString();
    }

    private static String interleave(String text, String between, long limit, JinjaBudget budget) {
        budget.characters(between.length() + 1L, text.length() + 1L);
        StringBuilder out = new StringBuilder();
        long left = limit < 0 ? Long.MAX_VALUE : limit;
        for (int i = 0; i <= text.length(); i++, left--) {
            boolean boundary = i == text.length() || !Character.isLowSurrogate(text.charAt(i));
            out.append(boundary && left > 0 ? between : "");
            out.append(text, i, Math.min(i + 1, text.length()));
        }
        return out.toString();
    }

    /// Returns where `part` begins in `text`, without overlaps.
    static List<Integer> places(String text, String part, long limit, JinjaBudget budget) {
        budget.search(text.length(), part.length());
        List<Integer> places = new ArrayList<>();
        int at = limit > 0 ? text.indexOf(part) : -1;
        while (at >= 0 && places.size() < limit) {
            budget.steps(1);
            places.add(at);
            at = text.indexOf(part, at + part.length());
        }
        return places;
    }

    private static long count(String text, String part, JinjaBudget budget) {
        return part.isEmpty()
                ? text.codePointCount(0, text.length()) + 1L
                : places(text, part, Long.MAX_VALUE, budget).size();
    }

    private static long position(
            String text, JinjaArguments arguments, boolean last, boolean required, JinjaBudget budget) {
        String part = arguments.string(0, "sub");
        budget.search(text.length(), part.length());
        int from = offset(text, arguments.integer(1, "start", 0));
        int to = offset(text, arguments.integer(2, "end", text.length()));
        int at = last ? text.lastIndexOf(part, to - part.length()) : text.indexOf(part, from);
        if (at >= from && at + part.length() <= to) {
            return text.codePointCount(0, at);
        }
        if (required) {
            throw new JinjaException("a text to look for is not in the string");
        }
        return -1;
    }

    static String join(String separator, List<?> parts, JinjaBudget budget) {
        budget.characters(separator.length(), parts.size());
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < parts.size(); i++) {
            String part = PythonText.str(parts.get(i), budget);
            budget.characters(part.length());
            out.append(i > 0 ? separator : "").append(part);
        }
        return out.toString();
    }

    /// Returns the character at an index, or [Absent#UNDEFINED].
    static Object character(String text, long index, JinjaBudget budget) {
        budget.characters(text.length());
        int size = text.codePointCount(0, text.length());
        long at = PythonValues.fromStart(index, size);
        return at >= 0 && at < size
                ? Character.toString(text.codePointAt(text.offsetByCodePoints(0, (int) at)))
                : Absent.UNDEFINED;
    }

    static String substring(String text, Object from, Object to, JinjaBudget budget) {
        budget.characters(text.length());
        int start = isAbsent(from) ? 0 : offset(text, PythonValues.integer(from, "a bound of a slice"));
        int end = isAbsent(to) ? text.length() : offset(text, PythonValues.integer(to, "a bound of a slice"));
        return start < end ? text.substring(start, end) : "";
    }

    private static boolean isAbsent(Object bound) {
        return bound instanceof Absent;
    }

    /// Returns where in UTF-16 the character at `index` begins, within the text.
    private static int offset(String text, long index) {
        int size = text.codePointCount(0, text.length());
        return text.offsetByCodePoints(0, Math.clamp(PythonValues.fromStart(index, size), 0, size));
    }

    /// Says whether a text has characters, and all of them are of a kind.
    static boolean all(String text, IntPredicate kind) {
        return !text.isEmpty() && text.codePoints().allMatch(kind);
    }

    static String lower(String text) {
        return text.toLowerCase(Locale.ROOT);
    }

    static String upper(String text) {
        return text.toUpperCase(Locale.ROOT);
    }

    /// Returns `parts` in the opposite order.
    static List<Object> reversed(List<Object> parts) {
        Collections.reverse(parts);
        return parts;
    }
}
