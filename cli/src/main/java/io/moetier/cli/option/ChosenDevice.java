package io.moetier.cli.option;

import io.moetier.cli.terminal.Surroundings;
import io.moetier.emulator.driver.clock.GpuProfile;
import io.moetier.emulator.driver.option.EmulatedGpu;
import io.moetier.emulator.driver.option.EmulatedOptions;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.cpu.VectorModule;
import io.moetier.kernels.cuda.driver.CudaDriver;
import io.moetier.kernels.cuda.driver.CudaLookup;
import io.moetier.kernels.device.ActivationType;
import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceFactory;
import io.moetier.lab.device.EmulatedCuda;
import io.moetier.lab.device.simulated.SimulatedGpu;
import io.moetier.runtime.session.Gpus;
import io.moetier.runtime.session.PhysicalCores;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// The devices that a command computes on.
///
/// @param factories none for the CPU
/// @param whyCpu what speaks against a GPU where one was looked for
/// @param isInstalled whether there is a driver nevertheless
public record ChosenDevice(List<DeviceFactory> factories, Optional<String> whyCpu, boolean isInstalled) {
    private static final String NEEDED = "--device cuda: ";

    /// A device that nobody asked for.
    private record Unasked(DeviceFactory device) implements DeviceFactory {
        @Override
        public Device open() {
            return device.open();
        }

        @Override
        public boolean isOptional() {
            return true;
        }

        @Override
        public void close() {
            device.close();
        }
    }

    /// Returns the devices as ones that the processor may take the place of.
    List<DeviceFactory> optional() {
        return factories.stream().<DeviceFactory>map(Unasked::new).toList();
    }

    /// Finds what a choice stands for.
    ///
    /// @param activations of GPUs
    /// @throws IllegalArgumentException if there is none such
    static ChosenDevice of(DeviceChoice choice, ActivationType activations, Surroundings surroundings) {
        return switch (choice) {
            case DeviceChoice.Cpu _ -> new ChosenDevice(List.of(), Optional.empty(), false);
            case DeviceChoice.Emulated emulated -> emulated(List.of(emulated), activations, surroundings);
            case DeviceChoice.Simulated(GpuProfile gpu) ->
                found(List.of(simulatedGpu(gpu, activations, surroundings.cacheDirectory())));
            case DeviceChoice.Cuda cuda -> needed(List.of(cuda), activations, surroundings);
            case DeviceChoice.Several(List<DeviceChoice> devices) ->
                devices.getFirst() instanceof DeviceChoice.Emulated
                        ? emulated(devices, activations, surroundings)
                        : needed(devices, activations, surroundings);
            case DeviceChoice.Auto _ -> cuda(List.of(new DeviceChoice.Cuda(0)), activations, surroundings);
        };
    }

    private static ChosenDevice found(List<DeviceFactory> factories) {
        return new ChosenDevice(factories, Optional.empty(), true);
    }

    private static ChosenDevice emulated(
            List<DeviceChoice> devices, ActivationType activations, Surroundings surroundings) {
        return found(emulatedCuda(devices, activations, surroundings.cacheDirectory())
                .devices());
    }

    /// Returns GPUs that are not there, of one driver.
    ///
    /// @param devices all of them emulated
    /// @param directory where LWJGL's own library stays unpacked
    public static EmulatedCuda emulatedCuda(List<DeviceChoice> devices, ActivationType activations, Path directory) {
        EmulatedGpu[] gpus = devices.stream()
                .map(DeviceChoice.Emulated.class::cast)
                .map(device -> EmulatedGpu.of(device.gpu()))
                .toArray(EmulatedGpu[]::new);
        return new EmulatedCuda(EmulatedOptions.DEFAULT.withGpus(gpus), Optional.of(directory), true, activations);
    }

    private static SimulatedGpu simulatedGpu(GpuProfile gpu, ActivationType activations, Path directory) {
        VectorModule.load();
        return new SimulatedGpu(gpu, PhysicalCores.threads(0), KernelChoice.AUTO, Optional.of(directory), activations);
    }

    /// Finds the driver, and keeps LWJGL's own library in the cache folder.
    public static CudaLookup driver(Surroundings surroundings) {
        return CudaDriver.find(surroundings.cudaLibrary(), Optional.of(surroundings.cacheDirectory()));
    }

    private static ChosenDevice needed(
            List<DeviceChoice> devices, ActivationType activations, Surroundings surroundings) {
        ChosenDevice chosen = cuda(devices, activations, surroundings);
        chosen.whyCpu().ifPresent(reason -> {
            throw new IllegalArgumentException(NEEDED + reason);
        });
        return chosen;
    }

    /// @param devices all of them CUDA's
    private static ChosenDevice cuda(
            List<DeviceChoice> devices, ActivationType activations, Surroundings surroundings) {
        int[] ordinals = devices.stream()
                .map(DeviceChoice.Cuda.class::cast)
                .mapToInt(DeviceChoice.Cuda::ordinal)
                .toArray();
        Gpus gpus = Gpus.find(driver(surroundings), activations, ordinals);
        return new ChosenDevice(gpus.factories(), gpus.objection(), gpus.isInstalled());
    }
}
