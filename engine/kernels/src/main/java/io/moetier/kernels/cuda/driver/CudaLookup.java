package io.moetier.kernels.cuda.driver;

/// Whether there is a driver to compute with.
public sealed interface CudaLookup {
    /// There is one.
    record Found(CudaDriver driver) implements CudaLookup {}

    /// There is none to compute with, for a reason that is a sentence without its full stop.
    ///
    /// @param isInstalled whether there is a driver that somebody could make work
    record Absent(String reason, boolean isInstalled) implements CudaLookup {}
}
