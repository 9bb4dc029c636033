package io.moetier.bench;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/// What a benchmark did beside its calls, reported per second.
@AuxCounters(AuxCounters.Type.OPERATIONS)
@State(Scope.Thread)
public class Work {
    /// Bytes of weights, keys and values that were read, in 10^9.
    public double gigabytes;

    /// Multiplications and additions, in 10^9.
    public double gigaflops;

    void read(long bytes) {
        gigabytes += 1e-9 * bytes;
    }

    void computed(long operations) {
        gigaflops += 1e-9 * operations;
    }
}
