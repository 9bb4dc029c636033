package io.moetier.cli.terminal;

/// Reads the numbers of a command line; what is none is said in the same words for every option.
public final class Numbers {
    private Numbers() {}

    public static int integer(String text) {
        return (int) wholeNumber(text, Integer.MIN_VALUE, Integer.MAX_VALUE);
    }

    public static long wholeNumber(String text) {
        return wholeNumber(text, Long.MIN_VALUE, Long.MAX_VALUE);
    }

    private static long wholeNumber(String text, long least, long most) {
        try {
            long value = Long.parseLong(text);
            if (value >= least && value <= most) {
                return value;
            }
        } catch (NumberFormatException ignored) {
            // falls through to the one message
        }
        String bound = !text.matches("[-+]?[0-9]+")
                ? ""
                : text.startsWith("-") ? " of at least " + least : " of at most " + most;
        throw new IllegalArgumentException("expected a whole number" + bound + ", found '" + text + "'");
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
