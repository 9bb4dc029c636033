package io.moetier.emulator.driver;

/// What a function of the driver does.
@FunctionalInterface
interface EntryPoint {
    /// Does it, which succeeds unless something is thrown.
    ///
    /// @throws DriverError with what the function answers
    void run(Machine machine, Call call);
}
