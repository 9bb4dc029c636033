package io.moetier.runtime.session;

import static io.moetier.runtime.option.InvalidOptionException.require;

import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.DeviceFactory;
import io.moetier.runtime.remote.ExpertNodesFactory;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// What computes.
///
/// @param devices none for the CPU. The first one computes all but experts, which are divided over all
/// @param threads compute threads of the CPU, alone or beside devices; 0 for one per physical core, at
///     most [PhysicalCores#mostThreads()]
/// @param kernels which kernels compute on the CPU
/// @param nativeDirectory where native code is unpacked, for later starts to find; empty for a temporary directory
/// @param nodes connects with other machines that compute experts; empty for none
public record Compute(
        List<DeviceFactory> devices,
        int threads,
        KernelChoice kernels,
        Optional<Path> nativeDirectory,
        Optional<ExpertNodesFactory> nodes) {
    /// The CPU, all of it.
    public static final Compute DEFAULT =
            new Compute(List.of(), 0, KernelChoice.AUTO, Optional.empty(), Optional.empty());

    /// @throws io.moetier.runtime.option.InvalidOptionException if a value is out of range
    public Compute {
        require(threads >= 0, "threads", "0 or more", threads);
        require(threads <= PhysicalCores.mostThreads(), "threads", PhysicalCores.limit(), threads);
        devices = List.copyOf(devices);
    }

    /// Returns the device that computes all but experts; empty for the CPU.
    public Optional<DeviceFactory> device() {
        return devices.stream().findFirst();
    }
}
