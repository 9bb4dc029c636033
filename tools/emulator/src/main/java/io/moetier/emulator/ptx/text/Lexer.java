package io.moetier.emulator.ptx.text;

/// Cuts a PTX text into tokens, one at a time, and leaves comments out.
final class Lexer {
    private static final String SIGNS = "{}()[]<>,;:=|+-!@";

    private final String text;
    private int at;
    private int line = 1;

    Lexer(String text) {
        this.text = text;
    }

    /// Goes to where a token begins.
    void back(Token token) {
        at = token.at();
        line = token.line();
    }

    /// Returns the next token, or [Token#END].
    Token next() {
        skipBlanks();
        if (at == text.length()) {
            return Token.END;
        }
        Token token = new Token(text.substring(at, end()), line, at);
        at += token.text().length();
        return token;
    }

    /// Skips what is between tokens.
    private void skipBlanks() {
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c == '\n') {
                line++;
                at++;
            } else if (Character.isWhitespace(c) || c == 0) {
                at++;
            } else if (text.startsWith("//", at)) {
                at = endOf("\n", 0);
            } else if (text.startsWith("/*", at)) {
                int end = endOf("*/", 2);
                line += (int)
                        text.substring(at, end).chars().filter(x -> x == '\n').count();
                at = end;
            } else {
                return;
            }
        }
    }

    /// Returns where the token ends that begins here.
    private int end() {
        char c = text.charAt(at);
        if (c == '"') {
            int end = text.indexOf('"', at + 1);
            if (end < 0) {
                throw refuse("a string without an end");
            }
            return end + 1;
        }
        if (inWord(at)) {
            int end = at;
            while (end < text.length() && (inWord(end) || text.startsWith("::", end))) {
                end += inWord(end) ? 1 : 2;
            }
            return end;
        }
        if (SIGNS.indexOf(c) < 0) {
            throw refuse("unknown character '" + c + "'");
        }
        return at + 1;
    }

    private PtxException refuse(String reason) {
        return new PtxException(line, text(line), reason);
    }

    /// Returns what stands in a line; nothing if there is no such line.
    String text(int line) {
        return line < 1
                ? ""
                : text.lines().skip(line - 1L).findFirst().orElse("").strip();
    }

    /// How many lines there are.
    int numLines() {
        return Math.toIntExact(text.lines().count());
    }

    private boolean inWord(int index) {
        char c = text.charAt(index);
        return Character.isLetterOrDigit(c) || c == '_' || c == '$' || c == '%' || c == '.';
    }

    private int endOf(String mark, int length) {
        int end = text.indexOf(mark, at);
        return end < 0 ? text.length() : end + length;
    }
}
