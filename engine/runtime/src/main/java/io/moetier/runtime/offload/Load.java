package io.moetier.runtime.offload;

/// What a loader does for the thread that computes.
interface Load {
    /// Does it, on a loader; what goes wrong is kept and not thrown.
    void run();

    /// Notes that the computation has learnt of its end, or has taken it back.
    void collect();
}
