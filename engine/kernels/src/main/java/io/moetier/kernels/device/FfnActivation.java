package io.moetier.kernels.device;

/// What a feed-forward network computes between its projections, element by element.
public sealed interface FfnActivation {
    /// [SwiGlu].
    FfnActivation SWIGLU = new SwiGlu();

    /// [Relu].
    FfnActivation RELU = new Relu();

    /// [GeGlu].
    FfnActivation GEGLU = new GeGlu();

    /// [SquaredRelu].
    FfnActivation SQUARED_RELU = new SquaredRelu();

    /// Says whether it needs a gate projection beside the up projection.
    boolean isGated();

    /// `silu(gate) * up`, where `silu(g) = g / (1 + exp(-g))` (Shazeer 2020, arXiv:2002.05202).
    record SwiGlu() implements FfnActivation {
        @Override
        public boolean isGated() {
            return true;
        }
    }

    /// `g / (1 + exp(-alpha * g)) * (u + 1)` where `g = min(gate, limit)` and `u` is `up` between `-limit` and `limit`
    /// (gpt-oss, OpenAI 2025, arXiv:2508.10925).
    record ClampedSwiGlu(float limit, float alpha) implements FfnActivation {
        /// @throws IllegalArgumentException if the limit is not above 0, or a number is not finite
        public ClampedSwiGlu {
            if (!(limit > 0 && limit <= Float.MAX_VALUE) || !Float.isFinite(alpha)) {
                throw new IllegalArgumentException(
                        "limit of the activation: expected a finite number above 0, found " + limit);
            }
        }

        @Override
        public boolean isGated() {
            return true;
        }
    }

    /// `silu(g) * u` where `g = min(gate, limit)` and `u` is `up` between `-limit` and `limit` (DeepSeek-V4).
    record LimitedSwiGlu(float limit) implements FfnActivation {
        /// @throws IllegalArgumentException if the limit is not a finite number above 0
        public LimitedSwiGlu {
            if (!(limit > 0 && limit <= Float.MAX_VALUE)) {
                throw new IllegalArgumentException(
                        "limit of the activation: expected a finite number above 0, found " + limit);
            }
        }

        @Override
        public boolean isGated() {
            return true;
        }
    }

    /// `min(silu(gate), limit) * u` where `u` is `up` between `-limit` and `limit` (Step-3.5-Flash, StepFun 2026).
    record CappedSwiGlu(float limit) implements FfnActivation {
        /// @throws IllegalArgumentException if the limit is not a finite number above 0
        public CappedSwiGlu {
            if (!(limit > 0 && limit <= Float.MAX_VALUE)) {
                throw new IllegalArgumentException(
                        "limit of the activation: expected a finite number above 0, found " + limit);
            }
        }

        @Override
        public boolean isGated() {
            return true;
        }
    }

    /// `gelu(gate) * up` (Shazeer 2020, arXiv:2002.05202), where `gelu(g)` is
    /// `0.5 * g * (1 + tanh(sqrt(2 / pi) * (g + 0.044715 * g^3)))` (Hendrycks and Gimpel 2016, arXiv:1606.08415).
    record GeGlu() implements FfnActivation {
        @Override
        public boolean isGated() {
            return true;
        }
    }

    /// `max(up, 0)`.
    record Relu() implements FfnActivation {
        @Override
        public boolean isGated() {
            return false;
        }
    }

    /// `max(up, 0)^2` (So et al. 2021, arXiv:2109.08668).
    record SquaredRelu() implements FfnActivation {
        @Override
        public boolean isGated() {
            return false;
        }
    }
}
