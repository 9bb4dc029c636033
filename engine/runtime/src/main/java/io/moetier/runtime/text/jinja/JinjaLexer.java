package io.moetier.runtime.text.jinja;

import java.util.ArrayList;
import java.util.List;

/// Cuts an expression of a template into names, numbers, strings and operators.
final class JinjaLexer {
    /// What a token is.
    enum Kind {
        NAME,
        INTEGER,
        FLOAT,
        STRING,
        OPERATOR,
        END
    }

    /// @param text the name, the digits, the value of the string, or the operator
    record Token(Kind kind, String text) {
        boolean is(Kind other, String spelled) {
            return kind == other && text.equals(spelled);
        }

        /// Says what was found, for an error.
        String shown() {
            return kind == Kind.END ? "the end" : "'" + text + "'";
        }
    }

    private static final List<String> LONG_OPERATORS = List.of("**", "//", "==", "!=", "<=", ">=");
    private static final String OPERATORS = "+-*/%~<>=|.,:()[]{}";

    private final String text;
    private final List<Token> tokens = new ArrayList<>();
    private int position;

    private JinjaLexer(String text) {
        this.text = text;
    }

    /// Returns the tokens of `text`, the last of which is the end.
    static List<Token> tokens(String text) {
        JinjaLexer lexer = new JinjaLexer(text);
        while (lexer.position < text.length()) {
            lexer.token();
        }
        lexer.tokens.add(new Token(Kind.END, ""));
        return lexer.tokens;
    }

    private void token() {
        char c = text.charAt(position);
        if (Character.isWhitespace(c)) {
            position++;
        } else if (c == '\'' || c == '"') {
            string(c);
        } else if (isDigit(c)) {
            number();
        } else if (Character.isUnicodeIdentifierStart(c) || c == '_') {
            add(Kind.NAME, nameEnd());
        } else {
            operator(c);
        }
    }

    private void operator(char c) {
        for (String operator : LONG_OPERATORS) {
            if (text.startsWith(operator, position)) {
                add(Kind.OPERATOR, position + 2);
                return;
            }
        }
        if (OPERATORS.indexOf(c) < 0) {
            throw new JinjaException("unexpected character '" + c + "'");
        }
        add(Kind.OPERATOR, position + 1);
    }

    private void number() {
        int radix = radix(text, position);
        int last = radix == 10 ? position : digits(position + 2, radix);
        if (last > position + 2) {
            add(Kind.INTEGER, last);
            return;
        }
        int end = digits(position);
        boolean fraction = end + 1 < text.length() && text.charAt(end) == '.' && isDigit(text.charAt(end + 1));
        if (fraction) {
            end = digits(end + 1);
        }
        int exponent = exponentEnd(end);
        add(fraction || exponent > end ? Kind.FLOAT : Kind.INTEGER, exponent);
    }

    private int exponentEnd(int end) {
        if (end >= text.length() || "eE".indexOf(text.charAt(end)) < 0) {
            return end;
        }
        int digits = end + 1 < text.length() && "+-".indexOf(text.charAt(end + 1)) >= 0 ? end + 2 : end + 1;
        int after = digits(digits);
        return after > digits ? after : end;
    }

    private int digits(int from) {
        return digits(from, 10);
    }

    private int digits(int from, int radix) {
        int end = from;
        while (end < text.length() && (isDigit(text.charAt(end), radix) || text.charAt(end) == '_')) {
            end++;
        }
        return end;
    }

    /// Returns the base of the digits of an integer, which two characters at its beginning say if it is not 10.
    static int radix(String text, int from) {
        char mark = from + 1 < text.length() && text.charAt(from) == '0' ? text.charAt(from + 1) : ' ';
        return switch (mark) {
            case 'x', 'X' -> 16;
            case 'o', 'O' -> 8;
            case 'b', 'B' -> 2;
            default -> 10;
        };
    }

    private int nameEnd() {
        int end = position;
        while (end < text.length() && isNamePart(text.charAt(end))) {
            end++;
        }
        return end;
    }

    private static boolean isNamePart(char c) {
        return c == '_' || (Character.isUnicodeIdentifierPart(c) && !Character.isIdentifierIgnorable(c));
    }

    private void string(char quote) {
        StringBuilder value = new StringBuilder();
        int at = position + 1;
        while (at < text.length() && text.charAt(at) != quote) {
            at = text.charAt(at) == '\\' ? escape(at + 1, value) : plain(at, value);
        }
        if (at >= text.length()) {
            throw new JinjaException("a string has no end");
        }
        tokens.add(new Token(Kind.STRING, value.toString()));
        position = at + 1;
    }

    private int plain(int at, StringBuilder value) {
        value.append(text.charAt(at));
        return at + 1;
    }

    /// Appends what Python makes of an escape, which stays as it is if there is none of that name.
    private int escape(int at, StringBuilder value) {
        char c = at < text.length() ? text.charAt(at) : '\\';
        int known = "ntrbfav\\'\"\n".indexOf(c);
        if (known >= 0) {
            value.append(List.of("\n", "\t", "\r", "\b", "\f", "\u0007", "\u000B", "\\", "'", "\"", "")
                    .get(known));
            return at + 1;
        }
        if (isDigit(c, 8)) {
            int end = at + 1;
            while (end < Math.min(at + 3, text.length()) && isDigit(text.charAt(end), 8)) {
                end++;
            }
            value.append((char) Integer.parseInt(text, at, end, 8));
            return end;
        }
        int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
        if (digits > 0) {
            value.appendCodePoint(hexadecimal(at + 1, digits));
            return at + 1 + digits;
        }
        value.append('\\');
        return at;
    }

    private int hexadecimal(int from, int digits) {
        try {
            int code = Integer.parseInt(text, from, from + digits, 16);
            if (Character.isValidCodePoint(code)) {
                return code;
            }
        } catch (NumberFormatException | IndexOutOfBoundsException e) {
            throw new JinjaException("a string has a broken escape");
        }
        throw new JinjaException("a string has an escape for no character");
    }

    private void add(Kind kind, int end) {
        tokens.add(new Token(kind, text.substring(position, end)));
        position = end;
    }

    private static boolean isDigit(char c) {
        return isDigit(c, 10);
    }

    private static boolean isDigit(char c, int radix) {
        return c < 0x80 && Character.digit(c, radix) >= 0;
    }
}
