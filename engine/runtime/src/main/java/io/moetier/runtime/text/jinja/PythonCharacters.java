package io.moetier.runtime.text.jinja;

/// The methods of Python's strings that look at letters, or put others around a text.
final class PythonCharacters {
    private PythonCharacters() {}

    static Object call(String text, String method, JinjaArguments arguments, JinjaBudget budget) {
        return switch (method) {
            case "upper" -> PythonStrings.upper(text);
            case "lower", "casefold" -> PythonStrings.lower(text);
            case "capitalize" -> capitalize(text);
            case "title" -> title(text);
            case "swapcase" -> swapCase(text);
            case "isalpha" -> PythonStrings.all(text, Character::isLetter);
            case "isdigit", "isdecimal", "isnumeric" -> PythonStrings.all(text, Character::isDigit);
            case "isalnum" -> PythonStrings.all(text, Character::isLetterOrDigit);
            case "isspace" -> PythonStrings.all(text, PythonStrings::isBlank);
            case "isascii" -> text.chars().allMatch(c -> c < 0x80);
            case "isupper" -> isCased(text) && text.equals(PythonStrings.upper(text));
            case "islower" -> isCased(text) && text.equals(PythonStrings.lower(text));
            case "istitle" -> isCased(text) && text.equals(title(text));
            case "ljust" -> padded(text, method, arguments, budget);
            case "rjust" -> padded(text, method, arguments, budget);
            case "center" -> padded(text, method, arguments, budget);
            case "zfill" -> zeros(text, arguments.integer(0, "width", 0), budget);
            default -> throw new JinjaException("strings have no method '" + method + "'");
        };
    }

    static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int first = text.offsetByCodePoints(0, 1);
        return PythonStrings.upper(text.substring(0, first)) + PythonStrings.lower(text.substring(first));
    }

    static String title(String text) {
        StringBuilder title = new StringBuilder();
        boolean inWord = false;
        for (int c : text.codePoints().toArray()) {
            title.appendCodePoint(inWord ? Character.toLowerCase(c) : Character.toTitleCase(c));
            inWord = Character.isLetter(c);
        }
        return title.toString();
    }

    private static String swapCase(String text) {
        StringBuilder swapped = new StringBuilder();
        text.codePoints()
                .map(c -> Character.isUpperCase(c) ? Character.toLowerCase(c) : Character.toUpperCase(c))
                .forEach(swapped::appendCodePoint);
        return swapped.toString();
    }

    private static boolean isCased(String text) {
        return text.codePoints().anyMatch(c -> Character.isUpperCase(c) || Character.isLowerCase(c));
    }

    private static String padded(String text, String method, JinjaArguments arguments, JinjaBudget budget) {
        long width = arguments.integer(0, "width", 0);
        String fill = arguments.string(1, "fillchar", " ");
        if (fill.codePointCount(0, fill.length()) != 1) {
            throw new JinjaException("what fills a text must be one character");
        }
        long missing = Math.max(0, width - text.codePointCount(0, text.length()));
        long left = switch (method) {
            case "ljust" -> 0;
            case "rjust" -> missing;
            default -> missing / 2 + (missing & width & 1);
        };
        return pad(text, fill, left, missing - left, budget);
    }

    /// Puts `fill` before and behind a text.
    static String pad(String text, String fill, long left, long right, JinjaBudget budget) {
        budget.characters(fill.length(), left + right);
        return fill.repeat((int) left) + text + fill.repeat((int) right);
    }

    private static String zeros(String text, long width, JinjaBudget budget) {
        long missing = Math.max(0, width - text.codePointCount(0, text.length()));
        int sign = text.startsWith("-") || text.startsWith("+") ? 1 : 0;
        return text.substring(0, sign) + pad(text.substring(sign), "0", missing, 0, budget);
    }
}
