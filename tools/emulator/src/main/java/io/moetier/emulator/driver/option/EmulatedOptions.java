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
/// @param schedule in which order commands run
/// @param fresh what allocated memory holds
/// @param timing what takes how long in virtual time
/// @param faults what fails
/// @param others who else takes memory of the devices
public record EmulatedOptions(
        List<EmulatedGpu> gpus,
        int driverVersion,
        Schedule schedule,
        FreshMemory fresh,
        Timing timing,
        List<InjectedFault> faults,
        List<OtherClient> others) {
    private static final int CUDA_13_0 = 13_000;

    /// One RTX 3060 under CUDA 13.0, whose commands run in the order of their issue.
    public static final EmulatedOptions DEFAULT = new EmulatedOptions(
            List.of(EmulatedGpu.of(GpuProfile.of("rtx3060").orElseThrow())),
            CUDA_13_0,
            new Schedule(Order.ISSUE, 0),
            FreshMemory.FAULTS,
            new Timing(CostCounting.ONCE, GpuCosts.DEFAULT, false),
            List.of(),
            List.of());

    /// In which order commands run.
    ///
    /// @param seed of that order, and of the order of blocks and warps in kernels
    public record Schedule(Order order, long seed) {}

    /// Virtual time.
    ///
    /// @param counting when the cost of kernels is found
    /// @param costs what takes how long
    /// @param timeline whether what the engines do is kept
    public record Timing(CostCounting counting, GpuCosts costs, boolean timeline) {}

    public EmulatedOptions {
        gpus = List.copyOf(gpus);
        faults = List.copyOf(faults);
        others = List.copyOf(others);
    }

    public EmulatedOptions withGpus(EmulatedGpu... values) {
        return new EmulatedOptions(List.of(values), driverVersion, schedule, fresh, timing, faults, others);
    }

    public EmulatedOptions withDriverVersion(int value) {
        return new EmulatedOptions(gpus, value, schedule, fresh, timing, faults, others);
    }

    /// Returns options under which commands run in an adversarial order.
    public EmulatedOptions withSeed(long value) {
        return new EmulatedOptions(
                gpus, driverVersion, new Schedule(Order.ADVERSARIAL, value), fresh, timing, faults, others);
    }

    public EmulatedOptions withFresh(FreshMemory value) {
        return new EmulatedOptions(gpus, driverVersion, schedule, value, timing, faults, others);
    }

    public EmulatedOptions withCounting(CostCounting value) {
        return with(new Timing(value, timing.costs(), timing.timeline()));
    }

    public EmulatedOptions withTimeline() {
        return with(new Timing(timing.counting(), timing.costs(), true));
    }

    public EmulatedOptions withFaults(InjectedFault... values) {
        return new EmulatedOptions(gpus, driverVersion, schedule, fresh, timing, List.of(values), others);
    }

    public EmulatedOptions withOthers(OtherClient... values) {
        return new EmulatedOptions(gpus, driverVersion, schedule, fresh, timing, faults, List.of(values));
    }

    private EmulatedOptions with(Timing value) {
        return new EmulatedOptions(gpus, driverVersion, schedule, fresh, value, faults, others);
    }
}
