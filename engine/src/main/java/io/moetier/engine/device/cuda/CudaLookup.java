package io.moetier.engine.device.cuda;

/// Whether there is a driver to compute with.
public sealed interface CudaLookup {
    /// There is one.
    record Found(CudaDriver driver) implements CudaLookup {}

    /// There is none, for a reason that is a sentence without its full stop.
    record Absent(String reason) implements CudaLookup {}
}
