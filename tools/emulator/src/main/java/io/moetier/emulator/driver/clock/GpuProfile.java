package io.moetier.emulator.driver.clock;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// A GPU, as its makers and reviewers describe it.
///
/// The figures are peaks from secondary sources, not from data sheets: sysrqmts.com and guru3d.com (RTX
/// 3060), alldbin.com and chipversus.com (RTX 3090), cputronic.com and thefpsreview.com (RTX 4060 Ti),
/// topcpu.net (RTX 4090), spheron.network (RTX 5090), hpctech.co.jp and glennklockwood.com (H100). What a
/// link carries is assumed: about 80 % of the raw rate of PCIe 4.0 x16, 4.0 x8 and 5.0 x16.
///
/// @param id the name that options use
/// @param name what the driver calls it
/// @param vramBytes its memory
/// @param rates how fast it is
/// @param capability which instructions and how much shared memory it has
/// @param multiprocessors their number
/// @param l2Bytes its second-level cache
public record GpuProfile(
        String id,
        String name,
        long vramBytes,
        Rates rates,
        ComputeCapability capability,
        int multiprocessors,
        long l2Bytes) {
    private static final double PCIE4_X16 = 25;
    private static final double PCIE4_X8 = 13;
    private static final double PCIE5_X16 = 50;
    private static final ComputeCapability AMPERE = new ComputeCapability(8, 6);
    private static final ComputeCapability ADA = new ComputeCapability(8, 9);
    private static final ComputeCapability HOPPER = new ComputeCapability(9, 0);
    private static final ComputeCapability BLACKWELL = new ComputeCapability(12, 0);
    private static final List<GpuProfile> ALL = List.of(
            gpu("rtx3060", "NVIDIA GeForce RTX 3060", 12, new Rates(360, 12.74, PCIE4_X16), AMPERE, 28, 3),
            gpu("rtx3090", "NVIDIA GeForce RTX 3090", 24, new Rates(936.2, 35.58, PCIE4_X16), AMPERE, 82, 6),
            gpu("rtx4060ti", "NVIDIA GeForce RTX 4060 Ti", 16, new Rates(288, 22.06, PCIE4_X8), ADA, 34, 32),
            gpu("rtx4090", "NVIDIA GeForce RTX 4090", 24, new Rates(1008, 82.58, PCIE4_X16), ADA, 128, 72),
            gpu("rtx5090", "NVIDIA GeForce RTX 5090", 32, new Rates(1792, 104.8, PCIE5_X16), BLACKWELL, 170, 96),
            gpu("h100", "NVIDIA H100 80GB HBM3", 80, new Rates(3350, 66.9, PCIE5_X16), HOPPER, 132, 50));

    /// How fast a GPU is at most.
    ///
    /// @param memoryGigabytesPerSecond of its memory, in 10^9 bytes
    /// @param teraflops of 32-bit floats without tensor cores
    /// @param linkGigabytesPerSecond of copies from or to pinned host memory, one way
    public record Rates(double memoryGigabytesPerSecond, double teraflops, double linkGigabytesPerSecond) {}

    /// Returns the profiles there are.
    public static List<GpuProfile> all() {
        return ALL;
    }

    /// Returns the profile of an id, in any case of letters.
    public static Optional<GpuProfile> of(String id) {
        String wanted = id.toLowerCase(Locale.ROOT);
        return ALL.stream().filter(gpu -> gpu.id.equals(wanted)).findFirst();
    }

    private static GpuProfile gpu(
            String id,
            String name,
            int vramGib,
            Rates rates,
            ComputeCapability capability,
            int multiprocessors,
            int l2Mib) {
        return new GpuProfile(id, name, (long) vramGib << 30, rates, capability, multiprocessors, (long) l2Mib << 20);
    }
}
