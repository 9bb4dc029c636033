package io.moetier.kernels.cpu.rows;

/// Loops that several operations have. The compiler vectorises them, as there is no sum in them.
final class Loops {
    private Loops() {}

    /// `out = factor * x`.
    static void scale(float[] x, int at, float factor, float[] out, int outAt, int length) {
        for (int i = 0; i < length; i++) {
            out[outAt + i] = factor * x[at + i];
        }
    }

    /// `out += factor * x`.
    static void addScaled(float[] x, int at, float factor, float[] out, int outAt, int length) {
        for (int i = 0; i < length; i++) {
            out[outAt + i] += factor * x[at + i];
        }
    }
}
