package io.moetier.emulator.driver.clock;

/// The parts of a GPU that work side by side, each on one thing at a time.
public enum EngineKind {
    COMPUTE("compute"),
    TO_DEVICE("copy to device"),
    TO_HOST("copy to host");

    private final String label;

    EngineKind(String label) {
        this.label = label;
    }

    /// What a reader calls it.
    public String label() {
        return label;
    }
}
