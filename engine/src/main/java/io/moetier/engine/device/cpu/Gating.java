package io.moetier.engine.device.cpu;

import io.moetier.engine.device.FfnActivation;
import io.moetier.engine.device.FfnActivation.ClampedSwiGlu;

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
        if (activation instanceof ClampedSwiGlu clamped) { // no switch on patterns, which may allocate
            float limit = clamped.limit();
            float alpha = clamped.alpha();
            for (int i = 0; i < length; i++) {
                gate[gateAt + i] = Math.min(gate[gateAt + i], limit) * alpha;
                up[i] = (Math.clamp(up[i], -limit, limit) + 1f) / alpha;
            }
        }
    }
}
