package io.moetier.emulator.driver.fault;

import io.moetier.emulator.memory.FaultKind;

/// Which status tells of which fault of a device.
public final class Faults {
    private Faults() {}

    /// Returns what the call answers that met the fault itself.
    public static CudaStatus statusOfCall(FaultKind kind) {
        return switch (kind) {
            case OUT_OF_MEMORY -> CudaStatus.OUT_OF_MEMORY;
            case INVALID_VALUE -> CudaStatus.INVALID_VALUE;
            case ILLEGAL_ADDRESS -> CudaStatus.ILLEGAL_ADDRESS;
            case OUT_OF_RESOURCES -> CudaStatus.LAUNCH_OUT_OF_RESOURCES;
            case TIMEOUT -> CudaStatus.LAUNCH_TIMEOUT;
            case MISALIGNED_ADDRESS -> CudaStatus.MISALIGNED_ADDRESS;
            case UNINITIALISED_READ, LAUNCH_FAILED -> CudaStatus.LAUNCH_FAILED;
        };
    }

    /// Returns what breaks the context in which a command met the fault. What was right when the command
    /// was issued and is wrong when it runs is memory that was freed too early.
    public static CudaStatus statusOfCommand(FaultKind kind) {
        return kind == FaultKind.INVALID_VALUE ? CudaStatus.ILLEGAL_ADDRESS : statusOfCall(kind);
    }
}
