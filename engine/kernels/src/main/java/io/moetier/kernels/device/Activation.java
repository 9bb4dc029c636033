package io.moetier.kernels.device;

/// Functions of one element.
public enum Activation {
    /// `1 / (1 + exp(-x))`
    SIGMOID,
    /// `x / (1 + exp(-x))` (Elfwing et al. 2017)
    SILU,
    /// `log(1 + exp(x))`
    SOFTPLUS,
    /// `0.5 * x * (1 + erf(x / sqrt(2)))` (Hendrycks and Gimpel 2016, arXiv:1606.08415)
    GELU,
    /// `0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))`, nearly the same (ibid.)
    GELU_TANH,
    /// The hyperbolic tangent.
    TANH
}
