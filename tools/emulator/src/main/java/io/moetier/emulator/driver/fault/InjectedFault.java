package io.moetier.emulator.driver.fault;

/// An error that a function answers with, though nothing is wrong.
///
/// @param function its name in C, without `_v2`
/// @param call which call fails, counted from 1 and from when the fault was injected
/// @param status what it answers
/// @param lasting whether the context answers so from then on, as it does when a device is lost
public record InjectedFault(String function, long call, CudaStatus status, boolean lasting) {
    public InjectedFault {
        if (call < 1 || status == CudaStatus.SUCCESS) {
            throw new IllegalArgumentException("call " + call + " of " + function + " cannot fail with " + status);
        }
    }

    /// Returns an error that happens once.
    public static InjectedFault once(String function, long call, CudaStatus status) {
        return new InjectedFault(function, call, status, false);
    }

    /// Returns the loss of the device.
    public static InjectedFault deviceLost(String function, long call) {
        return new InjectedFault(function, call, CudaStatus.UNKNOWN, true);
    }
}
