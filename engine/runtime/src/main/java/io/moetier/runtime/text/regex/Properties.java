package io.moetier.runtime.text.regex;

import static java.util.Map.entry;

import java.lang.Character.UnicodeScript;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// The sets of code points that a pattern may name, as in `\p{Lu}`.
final class Properties {
    static final CharacterSet DIGITS = CharacterSet.categories(List.of(Character.DECIMAL_DIGIT_NUMBER));
    static final CharacterSet HEX_DIGITS =
            CharacterSet.range('0', '9').or(CharacterSet.range('a', 'f')).or(CharacterSet.range('A', 'F'));

    private static final List<Byte> LETTER = List.of(
            Character.UPPERCASE_LETTER,
            Character.LOWERCASE_LETTER,
            Character.TITLECASE_LETTER,
            Character.MODIFIER_LETTER,
            Character.OTHER_LETTER);
    private static final List<Byte> MARK =
            List.of(Character.NON_SPACING_MARK, Character.COMBINING_SPACING_MARK, Character.ENCLOSING_MARK);
    private static final List<Byte> NUMBER =
            List.of(Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER);
    private static final List<Byte> PUNCTUATION = List.of(
            Character.CONNECTOR_PUNCTUATION,
            Character.DASH_PUNCTUATION,
            Character.START_PUNCTUATION,
            Character.END_PUNCTUATION,
            Character.INITIAL_QUOTE_PUNCTUATION,
            Character.FINAL_QUOTE_PUNCTUATION,
            Character.OTHER_PUNCTUATION);
    private static final List<Byte> SYMBOL = List.of(
            Character.MATH_SYMBOL, Character.CURRENCY_SYMBOL, Character.MODIFIER_SYMBOL, Character.OTHER_SYMBOL);
    private static final List<Byte> SEPARATOR =
            List.of(Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR);
    private static final List<Byte> OTHER = List.of(
            Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE, Character.UNASSIGNED);

    private static final CharacterSet WORD_MARKS = CharacterSet.categories(MARK)
            .or(DIGITS)
            .or(CharacterSet.categories(List.of(Character.CONNECTOR_PUNCTUATION)));
    static final CharacterSet WORD = WORD_MARKS.or(Character::isAlphabetic);

    /// Outside of brackets, Oniguruma counts the small figures and the fractions of Latin-1 too.
    static final CharacterSet WORD_ALONE =
            WORD.or(CharacterSet.range(0xb2, 0xb3)).or(CharacterSet.of(0xb9)).or(CharacterSet.range(0xbc, 0xbe));

    private static final Map<String, List<Byte>> GROUPS = Map.ofEntries(
            entry("l", LETTER),
            entry("letter", LETTER),
            entry("m", MARK),
            entry("mark", MARK),
            entry("n", NUMBER),
            entry("number", NUMBER),
            entry("p", PUNCTUATION),
            entry("punctuation", PUNCTUATION),
            entry("s", SYMBOL),
            entry("symbol", SYMBOL),
            entry("z", SEPARATOR),
            entry("separator", SEPARATOR),
            entry("c", OTHER),
            entry("other", OTHER));

    private static final Map<String, Byte> CATEGORIES = Map.ofEntries(
            entry("lu", Character.UPPERCASE_LETTER),
            entry("ll", Character.LOWERCASE_LETTER),
            entry("lt", Character.TITLECASE_LETTER),
            entry("lm", Character.MODIFIER_LETTER),
            entry("lo", Character.OTHER_LETTER),
            entry("mn", Character.NON_SPACING_MARK),
            entry("mc", Character.COMBINING_SPACING_MARK),
            entry("me", Character.ENCLOSING_MARK),
            entry("nd", Character.DECIMAL_DIGIT_NUMBER),
            entry("nl", Character.LETTER_NUMBER),
            entry("no", Character.OTHER_NUMBER),
            entry("pc", Character.CONNECTOR_PUNCTUATION),
            entry("pd", Character.DASH_PUNCTUATION),
            entry("ps", Character.START_PUNCTUATION),
            entry("pe", Character.END_PUNCTUATION),
            entry("pi", Character.INITIAL_QUOTE_PUNCTUATION),
            entry("pf", Character.FINAL_QUOTE_PUNCTUATION),
            entry("po", Character.OTHER_PUNCTUATION),
            entry("sm", Character.MATH_SYMBOL),
            entry("sc", Character.CURRENCY_SYMBOL),
            entry("sk", Character.MODIFIER_SYMBOL),
            entry("so", Character.OTHER_SYMBOL),
            entry("zs", Character.SPACE_SEPARATOR),
            entry("zl", Character.LINE_SEPARATOR),
            entry("zp", Character.PARAGRAPH_SEPARATOR),
            entry("cc", Character.CONTROL),
            entry("cf", Character.FORMAT),
            entry("co", Character.PRIVATE_USE),
            entry("cn", Character.UNASSIGNED));

    private static final Map<String, CharacterSet> NAMES = Map.of(
            "alpha",
            Character::isAlphabetic,
            "alphabetic",
            Character::isAlphabetic,
            "digit",
            DIGITS,
            "alnum",
            DIGITS.or(Character::isAlphabetic),
            "space",
            CharacterSet.BLANKS,
            "upper",
            Character::isUpperCase,
            "lower",
            Character::isLowerCase,
            "word",
            WORD,
            "xdigit",
            HEX_DIGITS,
            "any",
            CharacterSet.ALL);

    private Properties() {}

    /// Returns the set of a name, written in any case and with blanks, lines and underscores or without.
    static Optional<CharacterSet> named(String name) {
        String key = name.toLowerCase(Locale.ROOT).replaceAll("[ _-]", "");
        if (GROUPS.containsKey(key)) {
            return Optional.of(CharacterSet.categories(GROUPS.get(key)));
        }
        if (CATEGORIES.containsKey(key)) {
            return Optional.of(CharacterSet.categories(List.of(CATEGORIES.get(key))));
        }
        return Optional.ofNullable(NAMES.get(key)).or(() -> script(name));
    }

    private static Optional<CharacterSet> script(String name) {
        try {
            return Optional.of(CharacterSet.script(UnicodeScript.forName(name)));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
