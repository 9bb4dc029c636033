package io.moetier.kernels.cpu.bandwidth;

import java.lang.foreign.MemorySegment;

/// A way to read memory and do next to nothing with it.
@FunctionalInterface
interface MemoryReading {
    /// Returns something that depends on every byte from `from` to `to`, lest the compiler leave the reading out.
    long read(MemorySegment memory, long from, long to);

    /// Compares one half to the other, for which every JVM has vector code; of a sum over an array the compiler may
    /// make a loop that reads at half the speed.
    static long compare(MemorySegment memory, long from, long to) {
        long middle = (from + to) >>> 1;
        return MemorySegment.mismatch(memory, from, middle, memory, middle, to);
    }
}
