package io.moetier.runtime.model.spec;

/// Names of the parts of an expert's block in a store, in the order they lie.
public final class ExpertParts {
    public static final String GATE = "gate";
    public static final String UP = "up";
    public static final String DOWN = "down";

    private ExpertParts() {}

    /// Returns the name of a matrix' bias, a float32 vector behind the matrices of experts that have biases.
    public static String biasOf(String matrix) {
        return matrix + ".bias";
    }
}
