package io.moetier.kernels.cpu.products;

import io.moetier.kernels.cpu.arithmetic.Results;
import io.moetier.kernels.device.FfnActivation;
import io.moetier.kernels.device.FfnActivation.CappedSwiGlu;
import io.moetier.kernels.device.FfnActivation.ClampedSwiGlu;
import io.moetier.kernels.device.FfnActivation.GeGlu;
import io.moetier.kernels.device.FfnActivation.LimitedSwiGlu;
import io.moetier.kernels.device.FfnActivation.SquaredRelu;

/// The activations, brought to the one that every [io.moetier.kernels.cpu.arithmetic.Arithmetic] has.
final class Gating {
    private static final float GELU_SLOPE = (float) (2 * Math.sqrt(2 / Math.PI));
    private static final float GELU_CUBE = 0.044715f;
    private static final float OWN_SILU = 32f; // silu(32) is 32 in float32

    private Gating() {}

    /// Changes `length` elements of each column to what an activation without gate makes of them.
    static void ungated(FfnActivation activation, Results x, int length) {
        boolean squared = activation instanceof SquaredRelu;
        for (int column = x.firstColumn; column < x.lastColumn; column++) {
            int at = x.at(column);
            for (int i = at; i < at + length; i++) {
                float positive = Math.max(x.floats[i], 0f);
                x.floats[i] = squared ? positive * positive : positive;
            }
        }
    }

    /// Changes `length` elements of each column of both operands so that `silu(gate) * up` is what the activation
    /// gives:
    /// `g / (1 + exp(-a * g)) * u` is `silu(a * g) * u / a`, with a constant `a` or, for the GELU, with
    /// `a = 2 * sqrt(2 / pi) * (1 + 0.044715 * g^2)`, as `1 + tanh(z)` is `2 / (1 + exp(-2 * z))`.
    /// Where `silu(g)` is above a limit of its own, `limit * u` is `silu(32) * (limit / 32 * u)`.
    static void prepare(FfnActivation activation, Results gate, Results up, int length) {
        for (int column = gate.firstColumn; column < gate.lastColumn; column++) {
            prepare(activation, gate.floats, gate.at(column), up.floats, up.at(column), length);
        }
    }

    private static void prepare(FfnActivation activation, float[] gate, int gateAt, float[] up, int upAt, int length) {
        if (activation instanceof ClampedSwiGlu clamped) { // no switch on patterns, which may allocate
            float limit = clamped.limit();
            float alpha = clamped.alpha();
            for (int i = 0; i < length; i++) {
                gate[gateAt + i] = Math.min(gate[gateAt + i], limit) * alpha;
                up[upAt + i] = (Math.clamp(up[upAt + i], -limit, limit) + 1f) / alpha;
            }
        } else if (activation instanceof LimitedSwiGlu limited) {
            float limit = limited.limit();
            for (int i = 0; i < length; i++) {
                gate[gateAt + i] = Math.min(gate[gateAt + i], limit);
                up[upAt + i] = Math.clamp(up[upAt + i], -limit, limit);
            }
        } else if (activation instanceof CappedSwiGlu capped) {
            float limit = capped.limit();
            for (int i = 0; i < length; i++) {
                float g = gate[gateAt + i];
                float u = Math.clamp(up[upAt + i], -limit, limit);
                boolean isAbove = g > limit && g / (1 + Math.exp(-g)) > limit; // silu(g) is below g
                gate[gateAt + i] = isAbove ? OWN_SILU : g;
                up[upAt + i] = isAbove ? limit / OWN_SILU * u : u;
            }
        } else if (activation instanceof GeGlu) {
            for (int i = 0; i < length; i++) {
                float g = gate[gateAt + i];
                float alpha = GELU_SLOPE * (1f + GELU_CUBE * g * g);
                gate[gateAt + i] = g * alpha;
                up[upAt + i] /= alpha;
            }
        }
    }
}
