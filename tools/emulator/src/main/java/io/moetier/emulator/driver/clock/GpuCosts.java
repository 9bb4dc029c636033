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
/// @param latencies what takes time whatever its size
/// @param efficiency what is reached of a GPU's peaks
/// @param processor the host's, where it computes experts in the place of the GPU
public record GpuCosts(Latencies latencies, Efficiency efficiency, Processor processor) {
    public static final GpuCosts DEFAULT = new GpuCosts(
            new Latencies(1_000, 3_000, 2_000, 6_000), new Efficiency(0.80, 0.70, 0.45), new Processor(10_000, 30, 66));

    /// What takes time whatever its size.
    ///
    /// @param callNanos of the host for every call of the driver
    /// @param launchNanos of the host for a launch, on top of that
    /// @param kernelNanos start-up of a kernel on the device
    /// @param copyNanos start-up of a copy
    public record Latencies(double callNanos, double launchNanos, double kernelNanos, double copyNanos) {}

    /// Shares of peaks that are reached.
    ///
    /// @param memory of the memory's peak, by kernels
    /// @param arithmetic of the arithmetic's peak, by kernels
    /// @param pageable of the link's rate, by copies of pageable memory
    public record Efficiency(double memory, double arithmetic, double pageable) {}

    /// How fast the host's processor computes experts.
    ///
    /// @param startNanos for those that it computes together, besides their weights: threads begin and join
    /// @param gigabytesPerSecond of weights that it reads, in 10^9 bytes
    /// @param rowGigabytesPerSecond of weights that it multiplies by one row of activations of 24 bits
    public record Processor(double startNanos, double gigabytesPerSecond, double rowGigabytesPerSecond) {
        /// Returns what experts of `bytes` together take, each applied to `rows` rows.
        public double nanos(long bytes, int rows) {
            return startNanos + Math.max(bytes / gigabytesPerSecond, rows * (double) bytes / rowGigabytesPerSecond);
        }
    }

    /// Returns what a kernel takes.
    ///
    /// @param bytes of device memory that it reads and writes
    /// @param flops its floating-point operations, a fused multiply-add counting twice
    public double kernelNanos(GpuProfile gpu, double bytes, double flops) {
        double memory = bytes / (gpu.rates().memoryGigabytesPerSecond() * efficiency.memory());
        double arithmetic = flops / (gpu.rates().teraflops() * 1e3 * efficiency.arithmetic());
        return latencies.kernelNanos() + Math.max(memory, arithmetic);
    }

    /// Returns what a copy between host and device takes.
    public double copyNanos(GpuProfile gpu, long bytes, boolean pinned) {
        return latencies.copyNanos() + linkNanos(gpu, bytes, pinned);
    }

    /// Returns what the link takes for so many bytes once a copy runs; 10^9 bytes a second are a byte a
    /// nanosecond.
    public double linkNanos(GpuProfile gpu, long bytes, boolean pinned) {
        return bytes / (gpu.rates().linkGigabytesPerSecond() * (pinned ? 1 : efficiency.pageable()));
    }

    /// Returns what a copy from one device to another takes that passes through the host.
    public double peerNanos(GpuProfile from, GpuProfile to, long bytes) {
        return 2 * latencies.copyNanos() + Math.max(linkNanos(from, bytes, true), linkNanos(to, bytes, true));
    }
}
