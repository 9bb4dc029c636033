package io.moetier.emulator.ptx.text;

/// A word, a number, a string or a sign of a PTX text.
public record Token(String text, int line) {
    public boolean is(String other) {
        return text.equals(other);
    }

    /// Whether it can name something: a register, a variable, a label, an instruction.
    public boolean isWord() {
        char first = text.charAt(0);
        return Character.isLetter(first) || first == '%' || first == '_' || first == '$';
    }

    boolean isNumber() {
        return Character.isDigit(text.charAt(0));
    }
}
