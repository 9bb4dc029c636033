package io.moetier.runtime.text.jinja;

import java.util.regex.Pattern;

/// The methods of Python's strings that look at letters, or put others around a text.
final class PythonCharacters {
    /// Digits that stand high, low or in circles, too.
    private static final Pattern DIGITS =
            Pattern.compile("[\\p{Nd}²³¹፩-፱᧚⁰⁴-⁹₀-₉①-⑨⑴-⑼⒈-⒐⓪⓵-⓽⓿❶-❾➀-➈➊-➒\\x{10A40}-\\x{10A43}\\x{10E60}-\\x{10E68}"
                    + "\\x{11052}-\\x{1105A}\\x{1F100}-\\x{1F10A}]+");
    /// Fractions and the numbers of Rome and China, too, some of which are written with letters.
    private static final Pattern NUMBERS =
            Pattern.compile("[\\p{N}㐅㒃㠪㭍一七万三九二五亖亿什仟仨伍佰億兆兩八六十千卄卅卌叁参參叄四壱壹幺廾廿弌弍弎弐拾捌柒漆玖百肆萬貮貳贰阡陆陌陸零"
                    + "\\x{F96B}\\x{F973}\\x{F978}\\x{F9B2}\\x{F9D1}\\x{F9D3}\\x{F9FD}\\x{20001}\\x{20064}\\x{200E2}\\x{20121}"
                    + "\\x{2092A}\\x{20983}\\x{2098C}\\x{2099C}\\x{20AEA}\\x{20AFD}\\x{20B19}\\x{22390}\\x{22998}\\x{23B1B}"
                    + "\\x{2626D}\\x{2F890}]+");
    private static final Pattern LETTERS_AND_NUMBERS = Pattern.compile("[\\p{L}\\p{N}]+");

    private PythonCharacters() {}

    static Object call(String text, String method, JinjaArguments arguments, JinjaBudget budget) {
        return switch (method) {
            case "upper" -> PythonStrings.upper(text);
            case "lower" -> PythonStrings.lower(text);
            case "casefold" -> folded(text);
            case "capitalize" -> capitalize(text);
            case "title" -> title(text);
            case "swapcase" -> swapCase(text);
            case "isalpha" -> PythonStrings.all(text, Character::isLetter);
            case "isdecimal" -> PythonStrings.all(text, Character::isDigit);
            case "isdigit" -> DIGITS.matcher(text).matches();
            case "isnumeric" -> NUMBERS.matcher(text).matches();
            case "isalnum" -> LETTERS_AND_NUMBERS.matcher(text).matches();
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
        String first = text.substring(0, text.offsetByCodePoints(0, 1));
        return titled(first)
                + PythonStrings.lower(text).substring(PythonStrings.lower(first).length());
    }

    static String title(String text) {
        String lowered = PythonStrings.lower(text); // as a whole, since a sigma is another one where a word ends
        StringBuilder title = new StringBuilder();
        boolean inWord = false;
        int from = 0;
        for (int c : text.codePoints().toArray()) {
            String letter = Character.toString(c);
            int to = from + PythonStrings.lower(letter).length();
            title.append(inWord ? lowered.substring(from, to) : titled(letter));
            inWord = isCased(letter);
            from = to;
        }
        return title.toString();
    }

    private static String swapCase(String text) {
        String lowered = PythonStrings.lower(text);
        StringBuilder swapped = new StringBuilder();
        int from = 0;
        for (int c : text.codePoints().toArray()) {
            String letter = Character.toString(c);
            int to = from + PythonStrings.lower(letter).length();
            swapped.append(Character.isUpperCase(c) ? lowered.substring(from, to) : PythonStrings.upper(letter));
            from = to;
        }
        return swapped.toString();
    }

    /// Returns a letter as it begins a word: `ß` as `Ss`.
    private static String titled(String letter) {
        String upper = PythonStrings.upper(letter);
        int first = Character.toTitleCase(letter.codePointAt(0));
        if (upper.codePointCount(0, upper.length()) == 1 || first != letter.codePointAt(0)) {
            return Character.toString(first);
        }
        int end = upper.offsetByCodePoints(0, 1);
        return upper.substring(0, end) + PythonStrings.lower(upper.substring(end));
    }

    /// Returns the letters so that those are the same that differ in case alone: `ß` and `ẞ` as `ss`.
    private static String folded(String text) {
        StringBuilder folded = new StringBuilder();
        text.codePoints().mapToObj(Character::toString).forEach(letter -> {
            String lower = PythonStrings.lower(letter);
            folded.append(lower.equals("ı") ? lower : PythonStrings.lower(PythonStrings.upper(lower)));
        });
        return folded.toString();
    }

    private static boolean isCased(String text) {
        return text.codePoints()
                .anyMatch(c -> Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c));
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

    /// Returns what stands before an indented line: a text as it is, or as many blanks as an integer says.
    static String margin(Object given, String role, JinjaBudget budget) {
        return given instanceof String text
                ? text
                : pad("", " ", Math.max(0, PythonValues.integer(given, role)), 0, budget);
    }

    private static String zeros(String text, long width, JinjaBudget budget) {
        long missing = Math.max(0, width - text.codePointCount(0, text.length()));
        int sign = text.startsWith("-") || text.startsWith("+") ? 1 : 0;
        return text.substring(0, sign) + pad(text.substring(sign), "0", missing, 0, budget);
    }
}
