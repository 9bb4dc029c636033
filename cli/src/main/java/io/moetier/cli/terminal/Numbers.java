package io.moetier.cli.terminal;

/// Reads the numbers of a command line; what is none is said in the same words for every option.
public final class Numbers {
    private Numbers() {}

    public static int integer(String text) {
        long value = wholeNumber(text);
        if (value != (int) value) {
            throw new IllegalArgumentException("expected a whole number of at most 2147483647, found '" + text + "'");
        }
        return (int) value;
    }

    public static long wholeNumber(String text) {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("expected a whole number, found '" + text + "'", e);
        }
    }

    /// Reads a finite decimal; Java would take `1d`, `0x1p3` and `NaN` as well.
    public static double decimal(String text) {
        double value = text.matches("[-+]?[0-9.]+([eE][-+]?[0-9]+)?") ? parsed(text) : Double.NaN;
        if (!Double.isFinite(value)) {
            throw new IllegalArgumentException("expected a number, found '" + text + "'");
        }
        return value;
    }

    private static double parsed(String text) {
        try {
            return Double.parseDouble(text);
        } catch (NumberFormatException e) {
            return Double.NaN;
        }
    }
}
