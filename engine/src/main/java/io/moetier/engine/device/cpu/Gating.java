package io.moetier.engine.device.cpu;

import io.moetier.engine.device.FfnActivation;
import io.moetier.engine.device.FfnActivation.ClampedSwiGlu;
import io.moetier.engine.device.FfnActivation.Relu;
import io.moetier.engine.device.FfnActivation.SwiGlu;

/// The activations, brought to the one that every [Arithmetic] has.
final class Gating {
    private Gating() {}

    /// `x = max(x, 0)`.
    static void relu(float[] x, int at, int length) {
        for (int i = at; i < at + length; i++) {
            x[i] = Math.max(x[i], 0f);
        }
    }

    /// Changes both operands so that `silu(gate) * up` is what the activation gives:
    /// `g / (1 + exp(-a * g)) * u` is `silu(a * g) * u / a`.
    static void prepare(FfnActivation activation, float[] gate, int gateAt, float[] up, int length) {
        switch (activation) {
            case SwiGlu() -> {}
            case ClampedSwiGlu(float limit, float alpha) -> {
                for (int i = 0; i < length; i++) {
                    gate[gateAt + i] = Math.min(gate[gateAt + i], limit) * alpha;
                    up[i] = (Math.clamp(up[i], -limit, limit) + 1f) / alpha;
                }
            }
            case Relu() -> throw new IllegalArgumentException("nothing is gated by " + activation);
        }
    }
}
