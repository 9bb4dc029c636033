package io.moetier.engine.model.spec;

/// Names of the parts of an expert's block in a store, in the order they lie.
public final class ExpertParts {
    public static final String GATE = "gate";
    public static final String UP = "up";
    public static final String DOWN = "down";

    private ExpertParts() {}
}
