package io.moetier.emulator.driver.machine;

/// What a function can do nothing without.
public enum Precondition {
    NONE,
    /// `cuInit` was called.
    DRIVER,
    /// A context is current, and nothing went wrong in it so far.
    CONTEXT
}
