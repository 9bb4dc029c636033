package io.moetier.lab.device.simulated;

import io.moetier.kernels.device.ActivationType;
import io.moetier.storage.model.DType;
import java.util.Arrays;

/// Which products have their activations rounded, and the launches that round them.
final class Rounding {
    /// Activations of a block.
    static final int BLOCK = 32;

    private static final int HEADER_BYTES = 16;
    private static final double LANES_OF_DIGIT = 4.5; // of an activation, as the emulated driver counts
    private static final double LANES_BESIDE = 49.8;

    private final ActivationType type;
    private final SimulatedTime time;
    private final boolean[] rounded = new boolean[ActivationType.MOST_DIGITS + 1]; // by digits

    Rounding(ActivationType type, SimulatedTime time) {
        this.type = type;
        this.time = time;
    }

    /// As [ActivationType#rounds].
    boolean rounds(DType weights, int rows) {
        return type.rounds(weights, rows);
    }

    /// Begins products of other activations than before.
    void begin() {
        Arrays.fill(rounded, false);
    }

    /// Says whether activations for weights of a type were not rounded since [#begin()], once.
    boolean isDue(DType weights) {
        int digits = ActivationType.digits(weights);
        boolean due = !rounded[digits];
        rounded[digits] = true;
        return due;
    }

    /// Charges the launch that rounds so many activations.
    void launch(DType weights, double floats) {
        double lanes = LANES_BESIDE + LANES_OF_DIGIT * ActivationType.digits(weights);
        time.launch("round", Float.BYTES * floats + bytes(weights, floats), lanes * floats);
    }

    /// Returns the bytes of rounded activations.
    static double bytes(DType weights, double floats) {
        return floats / BLOCK * (HEADER_BYTES + BLOCK * ActivationType.digits(weights));
    }
}
