package io.moetier.runtime.text.regex;

import java.util.Optional;

/// Reads what a backslash begins and stands for characters, in a class or outside.
final class EscapeReader {
    private static final int SHORT_HEX_DIGITS = 2;
    private static final int UNICODE_HEX_DIGITS = 4;
    private static final int HEX = 16;

    private final Cursor cursor;
    private final CharacterSet word;

    /// @param word what `\w` stands for
    EscapeReader(Cursor cursor, CharacterSet word) {
        this.cursor = cursor;
        this.word = word;
    }

    /// Reads a set such as `\s` or `\p{L}`, if one comes next.
    Optional<CharacterSet> set() {
        for (String letter : new String[] {"\\s", "\\d", "\\w", "\\h"}) {
            if (cursor.take(letter)) {
                return Optional.of(named(letter));
            }
            if (cursor.take(letter.toUpperCase(java.util.Locale.ROOT))) {
                return Optional.of(named(letter).not());
            }
        }
        if (cursor.take("\\p{^") || cursor.take("\\P{")) {
            return Optional.of(property().not());
        }
        return cursor.take("\\p{") ? Optional.of(property()) : Optional.empty();
    }

    /// Reads one character, written as it is or with a backslash.
    int character() {
        int first = cursor.next();
        if (first != '\\') {
            return first;
        }
        int second = cursor.next();
        return switch (second) {
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'f' -> '\f';
            case 'v' -> 0x0b;
            case 'a' -> 0x07;
            case 'e' -> 0x1b;
            case 'x' -> cursor.take("{") ? number(cursor.until("}")) : number(digits(SHORT_HEX_DIGITS));
            case 'u' -> number(digits(UNICODE_HEX_DIGITS));
            default -> plain(second);
        };
    }

    private int plain(int escaped) {
        if (escaped < 0x80 && Character.isLetterOrDigit(escaped)) {
            throw cursor.unreadable("'\\" + Character.toString(escaped) + "'");
        }
        return escaped;
    }

    private String digits(int count) {
        StringBuilder digits = new StringBuilder();
        for (int i = 0; i < count; i++) {
            digits.appendCodePoint(cursor.next());
        }
        return digits.toString();
    }

    private int number(String digits) {
        try {
            int number = Integer.parseUnsignedInt(digits, HEX);
            if (Character.isValidCodePoint(number)) {
                return number;
            }
        } catch (NumberFormatException e) {
            // told below
        }
        throw cursor.unreadable("the number '" + digits + "'");
    }

    private CharacterSet property() {
        String name = cursor.until("}");
        return Properties.named(name).orElseThrow(() -> cursor.unreadable("the property '" + name + "'"));
    }

    private CharacterSet named(String letter) {
        return switch (letter) {
            case "\\s" -> CharacterSet.BLANKS;
            case "\\d" -> Properties.DIGITS;
            case "\\w" -> word;
            default -> Properties.HEX_DIGITS;
        };
    }
}
