package io.moetier.emulator.driver.machine;

import io.moetier.emulator.driver.clock.GpuCosts;
import io.moetier.emulator.driver.clock.GpuProfile;
import io.moetier.emulator.driver.option.CostCounting;
import io.moetier.emulator.ptx.code.Cost;
import io.moetier.emulator.ptx.decode.PtxParameter;
import io.moetier.emulator.ptx.module.PtxKernel;
import io.moetier.emulator.ptx.run.Extent;
import io.moetier.emulator.ptx.run.Launch;
import io.moetier.emulator.ptx.run.LaunchCounts;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What launches cost, and which of them must be counted to know.
///
/// Memory traffic is the distinct 32-byte sectors that a launch touches: caches are perfect within a launch
/// and empty between two. Arithmetic is lanes times two operations, whatever the instruction does, since
/// all wait for the same issue slots; special functions run at an eighth of that rate (16 lanes of 128),
/// tensor instructions at eight times.
public final class KernelCosts {
    private static final int SECTOR_BYTES = 32;
    private static final int FLOPS_PER_LANE = 2;
    private static final int SPECIAL_FACTOR = 8;
    private static final int MATRIX_FACTOR = 8;

    private final CostCounting counting;
    private final Map<Key, Work> known = new HashMap<>();

    /// What decides the cost of a launch: numbers among the parameters are shapes, addresses are not.
    private record Key(PtxKernel kernel, Extent grid, Extent block, int dynamicSharedBytes, List<Integer> numbers) {}

    /// What a kernel moves and computes.
    private record Work(double bytes, double flops) {
        double nanos(GpuCosts costs, GpuProfile gpu) {
            return costs.kernelNanos(gpu, bytes, flops);
        }
    }

    KernelCosts(CostCounting counting) {
        this.counting = counting;
    }

    /// Runs a launch, counted or not.
    public interface Run {
        LaunchCounts run(boolean counted);
    }

    /// Runs a launch and returns what it takes in virtual time.
    public double nanos(PtxKernel kernel, Launch launch, GpuCosts costs, GpuProfile gpu, Run run) {
        Key key = key(kernel, launch);
        @Nullable Work work = counting == CostCounting.ONCE ? known.get(key) : null;
        boolean counted = work == null && counting != CostCounting.NEVER;
        LaunchCounts counts = run.run(counted);
        if (counted) {
            work = work(counts);
            known.put(key, work);
        }
        return work == null ? costs.latencies().kernelNanos() : work.nanos(costs, gpu);
    }

    private static Work work(LaunchCounts counts) {
        double lanes = counts.operations(Cost.FP32)
                + counts.operations(Cost.INTEGER)
                + counts.operations(Cost.DOT_PRODUCT)
                + (double) SPECIAL_FACTOR * counts.operations(Cost.SPECIAL)
                + (double) counts.operations(Cost.MATRIX) / MATRIX_FACTOR;
        return new Work(
                (double) SECTOR_BYTES * (counts.sectorsRead() + counts.sectorsWritten()), FLOPS_PER_LANE * lanes);
    }

    private static Key key(PtxKernel kernel, Launch launch) {
        List<Integer> numbers = new ArrayList<>();
        for (PtxParameter parameter : kernel.parameters()) {
            if (parameter.bytes() == Integer.BYTES) {
                numbers.add(launch.parameters().get(ValueLayout.JAVA_INT_UNALIGNED, parameter.offset()));
            }
        }
        return new Key(kernel, launch.grid(), launch.block(), launch.dynamicSharedBytes(), numbers);
    }
}
