package io.moetier.emulator.driver.machine;

/// Something with a handle that belongs to a context and goes with it.
interface ContextResource {
    EmulatedContext context();

    /// Returns what it is, for a report of leaks.
    String describe();

    /// Gives back what it holds.
    void discard();
}
