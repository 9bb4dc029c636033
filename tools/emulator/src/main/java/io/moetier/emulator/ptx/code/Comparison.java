package io.moetier.emulator.ptx.code;

import org.jspecify.annotations.Nullable;

/// What `setp` asks. Of integers only EQ and LT are, with operands swapped or the answer negated as needed.
public enum Comparison {
    EQ,
    LT,
    LE,
    /// Ordered and not equal.
    NE,
    /// Neither is NaN.
    NUM;

    /// How a modifier is asked with these five.
    public record Question(Comparison comparison, boolean swapped, boolean negated) {}

    /// Returns how `setp.name` of integers or bits is asked, or null if there is no such.
    public static @Nullable Question ofIntegers(String name) {
        return switch (name) {
            case "eq" -> new Question(EQ, false, false);
            case "ne" -> new Question(EQ, false, true);
            case "lt", "lo" -> new Question(LT, false, false);
            case "ge", "hs" -> new Question(LT, false, true);
            case "gt", "hi" -> new Question(LT, true, false);
            case "le", "ls" -> new Question(LT, true, true);
            default -> null;
        };
    }

    /// Returns how `setp.name` of floats is asked, or null if there is no such. The `u` forms hold for NaN, too.
    public static @Nullable Question ofFloats(String name) {
        return switch (name) {
            case "eq" -> new Question(EQ, false, false);
            case "ne" -> new Question(NE, false, false);
            case "lt" -> new Question(LT, false, false);
            case "le" -> new Question(LE, false, false);
            case "gt" -> new Question(LT, true, false);
            case "ge" -> new Question(LE, true, false);
            case "equ" -> new Question(NE, false, true);
            case "neu" -> new Question(EQ, false, true);
            case "ltu" -> new Question(LE, true, true);
            case "leu" -> new Question(LT, true, true);
            case "gtu" -> new Question(LE, false, true);
            case "geu" -> new Question(LT, false, true);
            case "num" -> new Question(NUM, false, false);
            case "nan" -> new Question(NUM, false, true);
            default -> null;
        };
    }
}
