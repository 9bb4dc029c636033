package io.moetier.emulator.ptx.text;

import java.util.List;

/// A place in a list of tokens, and what a parser asks of it.
public final class Tokens {
    private static final Token END = new Token("end of text", 0);

    private final List<Token> tokens;
    private final List<String> lines;
    private int at;

    Tokens(List<Token> tokens, List<String> lines) {
        this.tokens = tokens;
        this.lines = lines;
    }

    /// Returns where this is, for [#back(int)].
    public int place() {
        return at;
    }

    /// Goes back to a place.
    public void back(int place) {
        at = place;
    }

    public boolean atEnd() {
        return at >= tokens.size();
    }

    public Token peek() {
        return peek(0);
    }

    public Token peek(int ahead) {
        return at + ahead < tokens.size() ? tokens.get(at + ahead) : END;
    }

    public Token next() {
        Token token = peek();
        if (token.equals(END)) {
            throw refuse("ends in the middle of a statement");
        }
        at++;
        return token;
    }

    /// Takes the next token if it is this one.
    public boolean take(String text) {
        if (!peek().is(text)) {
            return false;
        }
        at++;
        return true;
    }

    public void expect(String text) {
        if (!take(text)) {
            throw refuse("expected '" + text + "', found '" + peek().text() + "'");
        }
    }

    public Token word() {
        if (!peek().isWord()) {
            throw refuse("expected a name, found '" + peek().text() + "'");
        }
        return next();
    }

    /// Takes a whole number without a sign.
    public long number() {
        Token token = next();
        if (!token.isNumber()) {
            throw refuse(token.line(), "expected a number, found '" + token.text() + "'");
        }
        return Numbers.parse(this, token).bits();
    }

    public void skipLine() {
        int line = peek().line();
        while (!atEnd() && peek().line() == line) {
            at++;
        }
    }

    /// Takes all tokens up to `end`, and `end`.
    public void skipPast(String end) {
        while (!next().is(end)) {
            // it is taken
        }
    }

    public int line() {
        return atEnd() ? lines.size() : peek().line();
    }

    public String text(int line) {
        return line >= 1 && line <= lines.size() ? lines.get(line - 1).strip() : "";
    }

    public PtxException refuse(String reason) {
        return refuse(line(), reason);
    }

    public PtxException refuse(int line, String reason) {
        return new PtxException(line, text(line), reason);
    }
}
