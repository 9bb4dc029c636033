package io.moetier.emulator.driver.stream;

/// In which of the orders that CUDA allows commands run.
public enum Order {
    /// Each when it is issued. Virtual times depend on nothing but the calls.
    ISSUE,
    /// As late and as much out of order between streams as the seed says, so that a wait that is missing
    /// shows. A stream's own commands stay in order, and nothing runs before what it waits for.
    ADVERSARIAL
}
