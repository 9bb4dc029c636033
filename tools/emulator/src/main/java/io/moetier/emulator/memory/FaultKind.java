package io.moetier.emulator.memory;

/// What kind of thing went wrong on the emulated device, as finely as CUDA's error codes tell it.
public enum FaultKind {
    /// The device has no memory left (`CUDA_ERROR_OUT_OF_MEMORY`, 2).
    OUT_OF_MEMORY,
    /// The host named an address or a size that makes no sense (`CUDA_ERROR_INVALID_VALUE`, 1).
    INVALID_VALUE,
    /// A kernel touched memory outside any live allocation, or past the end of its shared or local memory
    /// (`CUDA_ERROR_ILLEGAL_ADDRESS`, 700).
    ILLEGAL_ADDRESS,
    /// A kernel wanted more threads or shared memory than it may have (`CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES`, 701).
    OUT_OF_RESOURCES,
    /// A kernel executed more instructions than its budget (`CUDA_ERROR_LAUNCH_TIMEOUT`, 702).
    TIMEOUT,
    /// A kernel used an address that is no multiple of the width of the access (`CUDA_ERROR_MISALIGNED_ADDRESS`, 716).
    MISALIGNED_ADDRESS,
    /// A read of memory that nobody has written. A real device would go on with whatever is there; report it as 719.
    UNINITIALISED_READ,
    /// A deadlocked barrier, a shuffle with absent lanes, a trap (`CUDA_ERROR_LAUNCH_FAILED`, 719).
    LAUNCH_FAILED
}
