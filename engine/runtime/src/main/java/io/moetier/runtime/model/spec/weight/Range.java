package io.moetier.runtime.model.spec.weight;

/// The ranges that numbers of a model are in, whatever family it is of. What is outside is no model but a damaged
/// file, and would overflow further down.
///
/// Whoever makes a description from a file turns the exceptions into ones that name the file.
public final class Range {
    /// Most floats of a row of a matrix or of its results.
    public static final int ROW = 1 << 20;
    /// Most floats of one intermediate result of a token, so that an array holds those of a batch.
    public static final int TOKEN = 1 << 21;
    /// Most elements of a head that are rotated.
    public static final int ROTATED = 1 << 12;
    /// Most positions of a text.
    public static final int POSITIONS = 1 << 26;
    /// Most floats of a vector, or of a part of a state.
    public static final int VECTOR = 1 << 28;

    private Range() {}

    /// Returns `value`.
    ///
    /// @param name what it is the number of
    /// @throws IllegalArgumentException if it is not from `least` to `most`
    public static int require(String name, long value, int least, int most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(name + ": expected " + least + " to " + most + ", found " + value);
        }
        return (int) value;
    }

    /// Returns the product of two numbers of which neither is negative.
    ///
    /// @throws IllegalArgumentException if it is more than `most`
    public static int product(String name, int a, int b, int most) {
        return require(name, (long) a * b, 0, most);
    }

    /// Wants a finite number.
    ///
    /// @throws IllegalArgumentException if `value` is infinite or not a number
    public static void requireFinite(String name, double value) {
        requireFinite(name, value, true, "");
    }

    /// Wants a finite number of at least 0.
    ///
    /// @throws IllegalArgumentException if `value` is infinite, not a number or negative
    public static void requireNotNegative(String name, double value) {
        requireFinite(name, value, value >= 0, " of at least 0");
    }

    /// Wants a finite number above 0.
    ///
    /// @throws IllegalArgumentException if `value` is infinite, not a number or not above 0
    public static void requirePositive(String name, double value) {
        requireFinite(name, value, value > 0, " above 0");
    }

    private static void requireFinite(String name, double value, boolean inRange, String range) {
        if (!Double.isFinite(value) || !inRange) {
            throw new IllegalArgumentException(name + ": expected a finite number" + range + ", found " + value);
        }
    }
}
