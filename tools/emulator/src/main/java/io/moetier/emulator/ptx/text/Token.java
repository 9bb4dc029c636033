package io.moetier.emulator.ptx.text;

/// A word, a number, a string or a sign of a PTX text.
///
/// @param at where it begins in the text
public record Token(String text, int line, int at) {
    /// What follows the last one.
    static final Token END = new Token("end of text", 0, -1);

    public boolean is(String other) {
        return text.equals(other);
    }

    /// Whether it can name something: a register, a variable, a label, an instruction.
    public boolean isWord() {
        char first = text.charAt(0);
        return Character.isLetter(first) || first == '%' || first == '_' || first == '$';
    }

    boolean isEnd() {
        return at < 0;
    }

    boolean isNumber() {
        return Character.isDigit(text.charAt(0));
    }
}
