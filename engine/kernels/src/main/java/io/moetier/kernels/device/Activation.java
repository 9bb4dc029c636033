package io.moetier.kernels.device;

/// Functions of one element.
public enum Activation {
    /// `1 / (1 + exp(-x))`
    SIGMOID,
    /// `x / (1 + exp(-x))` (Elfwing et al. 2017)
    SILU,
    /// `log(1 + exp(x))`
    SOFTPLUS
}
