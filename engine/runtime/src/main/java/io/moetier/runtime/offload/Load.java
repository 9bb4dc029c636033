package io.moetier.runtime.offload;

/// What a loader does for the thread that computes.
public interface Load {
    /// Does it, on a loader; what goes wrong is kept and not thrown.
    void run();

    /// Says whether it can be run without waiting for another thread.
    default boolean hasRoom() {
        return true;
    }

    /// Notes that the computation has learnt of its end, or has taken it back.
    void collect();
}
