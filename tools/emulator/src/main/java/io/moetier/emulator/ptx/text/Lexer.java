package io.moetier.emulator.ptx.text;

import java.util.ArrayList;
import java.util.List;

/// Cuts a PTX text into tokens and leaves comments out.
public final class Lexer {
    private static final String SIGNS = "{}()[]<>,;:=|+-!@";

    private final String text;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    private int line = 1;

    private Lexer(String text) {
        this.text = text;
    }

    public static Tokens read(String text) {
        Lexer lexer = new Lexer(text);
        while (lexer.at < text.length()) {
            lexer.step();
        }
        return new Tokens(lexer.tokens, text.lines().toList());
    }

    private void step() {
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
            line += (int) text.substring(at, end).chars().filter(x -> x == '\n').count();
            at = end;
        } else if (c == '"') {
            int end = text.indexOf('"', at + 1);
            if (end < 0) {
                throw new PtxException(line, text.lines().toList().get(line - 1), "a string without an end");
            }
            add(end + 1);
        } else if (inWord(at)) {
            int end = at;
            while (end < text.length() && (inWord(end) || text.startsWith("::", end))) {
                end += inWord(end) ? 1 : 2;
            }
            add(end);
        } else if (SIGNS.indexOf(c) >= 0) {
            add(at + 1);
        } else {
            throw new PtxException(line, text.lines().toList().get(line - 1), "unknown character '" + c + "'");
        }
    }

    private boolean inWord(int index) {
        char c = text.charAt(index);
        return Character.isLetterOrDigit(c) || c == '_' || c == '$' || c == '%' || c == '.';
    }

    private int endOf(String mark, int length) {
        int end = text.indexOf(mark, at);
        return end < 0 ? text.length() : end + length;
    }

    private void add(int end) {
        tokens.add(new Token(text.substring(at, end), line));
        at = end;
    }
}
