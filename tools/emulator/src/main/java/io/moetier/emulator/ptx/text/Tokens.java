package io.moetier.emulator.ptx.text;

import org.jspecify.annotations.Nullable;

/// A place in a PTX text, and what a parser asks of it.
///
/// Tokens are made when they are asked for and kept by nobody: those of all kernels take thirty times as much memory as
/// their text.
public final class Tokens {
    private final Lexer lexer;
    private Token first;
    private @Nullable Token second; // once it was looked at

    /// @throws PtxException if the text begins with no token
    public Tokens(String text) {
        lexer = new Lexer(text);
        first = lexer.next();
    }

    /// Goes back to a token that was the next one.
    public void back(Token token) {
        lexer.back(token);
        advance(null);
    }

    private void advance(@Nullable Token known) {
        first = known == null ? lexer.next() : known;
        second = null;
    }

    public boolean atEnd() {
        return first.isEnd();
    }

    /// Returns the next token.
    public Token peek() {
        return first;
    }

    /// Returns the token after the next one.
    public Token peekFurther() {
        if (second == null) {
            second = lexer.next();
        }
        return second;
    }

    public Token next() {
        if (atEnd()) {
            throw refuse("ends in the middle of a statement");
        }
        Token token = first;
        advance(second);
        return token;
    }

    /// Takes the next token if it is this one.
    public boolean take(String text) {
        if (!first.is(text)) {
            return false;
        }
        advance(second);
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
        int line = first.line();
        while (!atEnd() && first.line() == line) {
            advance(second);
        }
    }

    /// Takes all tokens up to `end`, and `end`.
    public void skipPast(String end) {
        while (!next().is(end)) {
            // it is taken
        }
    }

    public int line() {
        return atEnd() ? lexer.numLines() : first.line();
    }

    public String text(int line) {
        return lexer.text(line);
    }

    public PtxException refuse(String reason) {
        return refuse(line(), reason);
    }

    public PtxException refuse(int line, String reason) {
        return new PtxException(line, text(line), reason);
    }
}
