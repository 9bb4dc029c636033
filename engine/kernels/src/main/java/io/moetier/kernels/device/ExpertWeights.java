package io.moetier.kernels.device;

import io.moetier.kernels.tensor.WeightMatrix;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// The weights of one feed-forward network: `down * activation(gate * x + gateBias, up * x + upBias) + downBias`.
///
/// @param gate `[width, hiddenSize]`, if the activation is gated
/// @param up `[width, hiddenSize]`
/// @param down `[hiddenSize, width]`
/// @param gateBias float32, one for each row of `gate`; null for none, as the others
public record ExpertWeights(
        FfnActivation activation,
        @Nullable WeightMatrix gate,
        WeightMatrix up,
        WeightMatrix down,
        @Nullable MemorySegment gateBias,
        @Nullable MemorySegment upBias,
        @Nullable MemorySegment downBias) {
    /// @throws IllegalArgumentException if the matrices or biases do not suit each other or the activation
    public ExpertWeights {
        boolean sameShape = gate == null || (gate.rows() == up.rows() && gate.cols() == up.cols());
        if ((gate != null) != activation.isGated() || !sameShape || up.rows() != down.cols()) {
            throw new IllegalArgumentException("gate " + shape(gate) + ", up " + shape(up) + ", down " + shape(down)
                    + " are no expert of " + activation);
        }
        require(gateBias, gate);
        require(upBias, up);
        require(downBias, down);
    }

    /// Returns a SwiGLU network without biases.
    public static ExpertWeights swiGlu(WeightMatrix gate, WeightMatrix up, WeightMatrix down) {
        return new ExpertWeights(FfnActivation.SWIGLU, gate, up, down, null, null, null);
    }

    /// Returns the matrix whose results are activated: the gate, or what takes its place.
    public WeightMatrix activated() {
        return gate == null ? up : gate;
    }

    /// Returns the bias of [#activated()].
    public @Nullable MemorySegment activatedBias() {
        return gate == null ? upBias : gateBias;
    }

    /// Says whether one kernel can multiply and activate for this network and for another one: their gates and ups are
    /// of the same types.
    public boolean isAlike(ExpertWeights other) {
        return activation.isGated() == other.activation.isGated()
                && activated().dtype() == other.activated().dtype()
                && up.dtype() == other.up.dtype();
    }

    private static void require(@Nullable MemorySegment bias, @Nullable WeightMatrix matrix) {
        if (bias != null && (matrix == null || bias.byteSize() != (long) matrix.rows() * Float.BYTES)) {
            throw new IllegalArgumentException("a bias of " + bias.byteSize() + " bytes for " + shape(matrix));
        }
    }

    private static String shape(@Nullable WeightMatrix matrix) {
        return matrix == null ? "none" : matrix.rows() + " x " + matrix.cols();
    }
}
