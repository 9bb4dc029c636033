package io.moetier.emulator.driver.option;

import io.moetier.emulator.driver.clock.GpuCosts;
import io.moetier.emulator.driver.clock.GpuProfile;
import io.moetier.emulator.driver.fault.InjectedFault;
import io.moetier.emulator.driver.stream.Order;
import io.moetier.emulator.memory.FreshMemory;
import java.util.List;

/// What the emulated driver is.
///
/// @param gpus its devices, in the order of their ordinals; none is possible
/// @param driverVersion as `cuDriverGetVersion` answers: 12050 is CUDA 12.5, and decides which PTX is too new
/// @param order in which commands run
/// @param seed of that order, and of the order of blocks and warps in kernels
/// @param fresh what allocated memory holds
/// @param disturbanceUlps by how many units in the last place approximate instructions may be off at most
/// @param counting when the cost of kernels is found
/// @param costs what takes how long in virtual time
/// @param timeline whether what the engines do is kept
/// @param faults what fails
public record EmulatedOptions(
        List<EmulatedGpu> gpus,
        int driverVersion,
        Order order,
        long seed,
        FreshMemory fresh,
        int disturbanceUlps,
        CostCounting counting,
        GpuCosts costs,
        boolean timeline,
        List<InjectedFault> faults) {
    private static final int CUDA_13_0 = 13_000;

    /// One RTX 3060 under CUDA 13.0, whose commands run in the order of their issue.
    public static final EmulatedOptions DEFAULT = new EmulatedOptions(
            List.of(EmulatedGpu.of(GpuProfile.of("rtx3060").orElseThrow())),
            CUDA_13_0,
            Order.ISSUE,
            0,
            FreshMemory.FAULTS,
            0,
            CostCounting.ONCE,
            GpuCosts.DEFAULT,
            false,
            List.of());

    public EmulatedOptions {
        gpus = List.copyOf(gpus);
        faults = List.copyOf(faults);
    }

    public EmulatedOptions withGpus(EmulatedGpu... values) {
        return with(List.of(values), driverVersion, order, seed, fresh, counting, timeline, faults);
    }

    public EmulatedOptions withDriverVersion(int value) {
        return with(gpus, value, order, seed, fresh, counting, timeline, faults);
    }

    /// Returns options under which commands run in an adversarial order.
    public EmulatedOptions withSeed(long value) {
        return with(gpus, driverVersion, Order.ADVERSARIAL, value, fresh, counting, timeline, faults);
    }

    public EmulatedOptions withFresh(FreshMemory value) {
        return with(gpus, driverVersion, order, seed, value, counting, timeline, faults);
    }

    public EmulatedOptions withCounting(CostCounting value) {
        return with(gpus, driverVersion, order, seed, fresh, value, timeline, faults);
    }

    public EmulatedOptions withTimeline() {
        return with(gpus, driverVersion, order, seed, fresh, counting, true, faults);
    }

    public EmulatedOptions withFaults(InjectedFault... values) {
        return with(gpus, driverVersion, order, seed, fresh, counting, timeline, List.of(values));
    }

    private EmulatedOptions with(
            List<EmulatedGpu> newGpus,
            int newDriverVersion,
            Order newOrder,
            long newSeed,
            FreshMemory newFresh,
            CostCounting newCounting,
            boolean newTimeline,
            List<InjectedFault> newFaults) {
        return new EmulatedOptions(
                newGpus,
                newDriverVersion,
                newOrder,
                newSeed,
                newFresh,
                disturbanceUlps,
                newCounting,
                costs,
                newTimeline,
                newFaults);
    }
}
