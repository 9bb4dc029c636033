package io.moetier.emulator.driver.machine;

import io.moetier.emulator.driver.fault.DriverError;

/// What a function of the driver does.
@FunctionalInterface
public interface EntryPoint {
    /// Does it, which succeeds unless something is thrown.
    ///
    /// @throws DriverError with what the function answers
    void run(Machine machine, Call call);
}
