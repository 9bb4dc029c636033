package io.moetier.lab.device;

/// What threads of the host do beside the one that computes, where time is computed and there is that one only.
public interface HostErrands {
    /// Returns when the next one begins, in the time of a [HostClock]; infinity if there is none.
    double nextNanos();

    /// Does those whose time has come if it is `nanos` now; the clock is as before then.
    void runUntil(double nanos);
}
