package io.moetier.kernels.cpu.rows;

/// The two forms of GELU (Hendrycks and Gimpel 2016, arXiv:1606.08415).
final class Gelu {
    private static final double ROOT_OF_HALF = Math.sqrt(0.5);
    private static final double ROOT_OF_TWO_BY_PI = Math.sqrt(2 / Math.PI);
    private static final double CUBIC = 0.044715;

    /// Of the polynomial in `1 / (1 + x / 2)` whose exponential is the complementary error function, highest power
    /// first; its relative error is below 1.2e-7 everywhere (Press et al., Numerical Recipes, section 6.2).
    private static final double[] ERFC = {
        0.17087277,
        -0.82215223,
        1.48851587,
        -1.13520398,
        0.27886807,
        -0.18628806,
        0.09678418,
        0.37409196,
        1.00002368,
        -1.26551223
    };

    private Gelu() {}

    static double exact(double x) {
        double tail = erfc(Math.abs(x) * ROOT_OF_HALF) / 2; // what the normal distribution has beyond |x|
        return x * (x < 0 ? tail : 1 - tail);
    }

    static double tanh(double x) {
        return x / (1 + Math.exp(-2 * ROOT_OF_TWO_BY_PI * (x + CUBIC * x * x * x))); // half of 1 + tanh is the logistic
    }

    /// @param x at least 0
    private static double erfc(double x) {
        double t = 1 / (1 + x / 2);
        double exponent = 0;
        for (double coefficient : ERFC) {
            exponent = exponent * t + coefficient;
        }
        return t * Math.exp(exponent - x * x);
    }
}
