package io.moetier.lab.device.simulated;

import io.moetier.emulator.driver.clock.GpuCosts;
import io.moetier.emulator.driver.clock.GpuProfile;
import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.ActivationType;
import io.moetier.kernels.device.Device;
import io.moetier.lab.device.LoadersInTime;
import io.moetier.lab.device.VirtualDevice;
import io.moetier.lab.device.VirtualMarks;
import io.moetier.runtime.offload.Loaders;
import java.nio.file.Path;
import java.util.Optional;

/// A GPU that is not there, whose kernels the processor computes: as fast as that is, and charged for as if the GPU
/// had.
public final class SimulatedGpu implements VirtualDevice {
    private final GpuProfile profile;
    private final int threads;
    private final KernelChoice choice;
    private final Optional<Path> nativeDirectory;
    private final ActivationType activations;
    private final SimulatedTime time;

    /// @param threads that compute, as of [CpuDevice]; likewise the others
    /// @param activations of the GPU, whose time is charged; what the processor computes does not depend on them
    public SimulatedGpu(
            GpuProfile profile,
            int threads,
            KernelChoice choice,
            Optional<Path> nativeDirectory,
            ActivationType activations) {
        this.profile = profile;
        this.threads = threads;
        this.choice = choice;
        this.nativeDirectory = nativeDirectory;
        this.activations = activations;
        time = new SimulatedTime(profile, GpuCosts.DEFAULT);
    }

    @Override
    public Device open() {
        return new SimulatedDevice(profile, time, CpuDevice.open(threads, choice, nativeDirectory), activations);
    }

    @Override
    public Loaders loaders() {
        return new LoadersInTime(time);
    }

    @Override
    public String kind() {
        return "a simulated";
    }

    @Override
    public String gpu() {
        return profile.id();
    }

    @Override
    public double virtualNanos() {
        return time.virtualNanos();
    }

    @Override
    public VirtualMarks newMarks() {
        return new VirtualMarks(time);
    }

    /// Returns how many kernels were launched.
    public long launches() {
        return time.launches();
    }
}
