package io.moetier.cli;

import io.moetier.engine.device.DeviceFactory;
import io.moetier.engine.device.cpu.KernelChoice;
import io.moetier.engine.device.cuda.CudaDevice;
import io.moetier.engine.device.cuda.CudaDriver;
import io.moetier.engine.device.cuda.CudaLookup;
import io.moetier.engine.session.PhysicalCores;
import io.moetier.tools.emulate.EmulatedCuda;
import io.moetier.tools.emulate.driver.EmulatedGpu;
import io.moetier.tools.emulate.driver.EmulatedOptions;
import io.moetier.tools.emulate.driver.clock.GpuProfile;
import io.moetier.tools.emulate.simulated.SimulatedGpu;
import java.nio.file.Path;
import java.util.Optional;

/// The device that a command computes on.
///
/// @param factory empty for the CPU
/// @param whyCpu what speaks against a GPU where one was looked for
/// @param isInstalled whether there is a driver nevertheless
record ChosenDevice(Optional<DeviceFactory> factory, Optional<String> whyCpu, boolean isInstalled) {
    private static final String NEEDED = "--device cuda: ";

    /// Finds what a choice stands for.
    ///
    /// @param directory where LWJGL's own library stays unpacked
    /// @throws IllegalArgumentException if there is none such
    static ChosenDevice of(DeviceChoice choice, Path directory) {
        return switch (choice) {
            case DeviceChoice.Cpu _ -> new ChosenDevice(Optional.empty(), Optional.empty(), false);
            case DeviceChoice.Emulated(GpuProfile gpu) ->
                new ChosenDevice(Optional.of(emulatedCuda(gpu, directory)), Optional.empty(), true);
            case DeviceChoice.Simulated(GpuProfile gpu) ->
                new ChosenDevice(Optional.of(simulatedGpu(gpu, directory)), Optional.empty(), true);
            case DeviceChoice.Cuda(int ordinal) -> {
                ChosenDevice found = cuda(ordinal, directory);
                found.whyCpu().ifPresent(reason -> {
                    throw new IllegalArgumentException(NEEDED + reason);
                });
                yield found;
            }
            case DeviceChoice.Auto _ -> cuda(0, directory);
        };
    }

    /// Returns a GPU that is not there.
    static EmulatedCuda emulatedCuda(GpuProfile gpu, Path directory) {
        return new EmulatedCuda(EmulatedOptions.DEFAULT.withGpus(EmulatedGpu.of(gpu)), Optional.of(directory), true);
    }

    private static SimulatedGpu simulatedGpu(GpuProfile gpu, Path directory) {
        VectorModule.load();
        return new SimulatedGpu(gpu, PhysicalCores.threads(0), KernelChoice.AUTO, Optional.of(directory));
    }

    private static ChosenDevice cuda(int ordinal, Path directory) {
        return switch (CudaDriver.find(Optional.empty(), Optional.of(directory))) {
            case CudaLookup.Absent(String reason, boolean isInstalled) ->
                new ChosenDevice(Optional.empty(), Optional.of(reason), isInstalled);
            case CudaLookup.Found(CudaDriver driver) ->
                CudaDevice.objection(driver, ordinal)
                        .map(reason -> new ChosenDevice(Optional.empty(), Optional.of(reason), true))
                        .orElseGet(() -> new ChosenDevice(
                                Optional.of(() -> CudaDevice.open(driver, ordinal)), Optional.empty(), true));
        };
    }
}
