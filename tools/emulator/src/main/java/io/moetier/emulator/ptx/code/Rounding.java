package io.moetier.emulator.ptx.code;

/// How a result that does not fit is rounded: to the nearest (ties to even), towards zero, down, up.
public enum Rounding {
    NEAREST,
    ZERO,
    DOWN,
    UP;

    /// Returns `value` rounded to a whole number, which keeps its sign.
    public double whole(double value) {
        return switch (this) {
            case NEAREST -> Math.rint(value);
            case ZERO -> value < 0 ? Math.ceil(value) : Math.floor(value);
            case DOWN -> Math.floor(value);
            case UP -> Math.ceil(value);
        };
    }
}
