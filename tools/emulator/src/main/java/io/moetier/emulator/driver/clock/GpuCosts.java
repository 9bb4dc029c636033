package io.moetier.emulator.driver.clock;

/// What calls, copies and kernels take, in nanoseconds of virtual time.
///
/// A kernel takes a start-up time and then the larger of what its memory traffic and its arithmetic take; a
/// copy takes a start-up time and then its bytes at the rate of the link. Occupancy, tails, waves, cache
/// hits between launches and kernels that run side by side are left out.
///
/// Sources: a copy's start takes 5 to 7 microseconds (arXiv 2602.21548); engines reach 64 to 80 % of the
/// memory's peak (RTX 3090, 4090 and 3050 with llama.cpp, r/LocalLLaMA 1ghvwsj). The processor is the one of
/// docs/performance.md, two cores that read 26 to 32 GB/s and multiply q4_0 by 350 rows of 10^9 weights a second of
/// eight bits, three of which make 24. **The rest is assumed. Until one GPU has been measured against it, this serves
/// to compare ways to do the same thing, not to predict a speed.**
///
/// @param callNanos of the host for every call of the driver
/// @param launchNanos of the host for a launch, on top of that
/// @param kernelNanos start-up of a kernel on the device
/// @param copyNanos start-up of a copy
/// @param memoryEfficiency share of the memory's peak that kernels reach
/// @param computeEfficiency share of the arithmetic's peak that kernels reach
/// @param pageableFactor share of the link's rate that copies of pageable memory reach
/// @param processorNanos of the host for experts that its processor computes together, besides their weights: threads
///     begin and join
/// @param processorGigabytes of weights that the processor reads in a second, in 10^9 bytes
/// @param processorRowGigabytes of weights that it multiplies by one row of activations of 24 bits in a second
public record GpuCosts(
        double callNanos,
        double launchNanos,
        double kernelNanos,
        double copyNanos,
        double memoryEfficiency,
        double computeEfficiency,
        double pageableFactor,
        double processorNanos,
        double processorGigabytes,
        double processorRowGigabytes) {
    public static final GpuCosts DEFAULT = new GpuCosts(1_000, 3_000, 2_000, 6_000, 0.80, 0.70, 0.45, 10_000, 30, 66);

    /// Returns what a kernel takes.
    ///
    /// @param bytes of device memory that it reads and writes
    /// @param flops its floating-point operations, a fused multiply-add counting twice
    public double kernelNanos(GpuProfile gpu, double bytes, double flops) {
        double memory = bytes / (gpu.memoryGigabytesPerSecond() * memoryEfficiency);
        double arithmetic = flops / (gpu.teraflops() * 1e3 * computeEfficiency);
        return kernelNanos + Math.max(memory, arithmetic);
    }

    /// Returns what a copy between host and device takes.
    public double copyNanos(GpuProfile gpu, long bytes, boolean pinned) {
        return copyNanos + linkNanos(gpu, bytes, pinned);
    }

    /// Returns what the link takes for so many bytes once a copy runs; 10^9 bytes a second are a byte a
    /// nanosecond.
    public double linkNanos(GpuProfile gpu, long bytes, boolean pinned) {
        return bytes / (gpu.linkGigabytesPerSecond() * (pinned ? 1 : pageableFactor));
    }

    /// Returns what the host's processor takes for experts of `bytes` together, each applied to `rows` rows.
    public double processorNanos(long bytes, int rows) {
        return processorNanos + Math.max(bytes / processorGigabytes, rows * (double) bytes / processorRowGigabytes);
    }

    /// Returns what a copy from one device to another takes that passes through the host.
    public double peerNanos(GpuProfile from, GpuProfile to, long bytes) {
        return 2 * copyNanos + Math.max(linkNanos(from, bytes, true), linkNanos(to, bytes, true));
    }
}
