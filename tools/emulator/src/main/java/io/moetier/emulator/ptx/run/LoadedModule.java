package io.moetier.emulator.ptx.run;

import io.moetier.emulator.memory.DeviceFault;
import io.moetier.emulator.memory.DeviceMemory;
import io.moetier.emulator.memory.FaultKind;
import io.moetier.emulator.ptx.module.PtxKernel;
import io.moetier.emulator.ptx.module.PtxModule;
import io.moetier.emulator.ptx.module.PtxVariable;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/// A module on a device: its variables have addresses, its kernels can be launched.
///
/// Owns the memory of its variables until it is closed. Used by one thread at a time, under the driver's lock.
public final class LoadedModule implements AutoCloseable {
    private final PtxModule module;
    private final DeviceMemory memory;
    private final Map<String, Long> addresses = new LinkedHashMap<>();
    private final Map<String, Workspace> workspaces = new HashMap<>(); // by the kernel's name

    /// @throws DeviceFault `OUT_OF_MEMORY` if the variables do not fit
    public LoadedModule(PtxModule module, DeviceMemory memory) {
        this.module = module;
        this.memory = memory;
        try {
            module.variables().forEach(this::place);
        } catch (DeviceFault e) {
            close();
            throw e;
        }
    }

    public PtxModule module() {
        return module;
    }

    /// Returns the device address of a variable of the module.
    public OptionalLong addressOf(String variable) {
        Long address = addresses.get(variable);
        return address == null ? OptionalLong.empty() : OptionalLong.of(address);
    }

    /// Runs a kernel of this module to its end.
    ///
    /// @throws KernelFault if it does what a device would not let it do
    /// @throws IllegalArgumentException if the kernel is none of this module, or the parameters are too few
    public LaunchCounts launch(PtxKernel kernel, Launch launch, LaunchOptions options) {
        if (!module.kernel(kernel.name()).equals(Optional.of(kernel))) {
            throw new IllegalArgumentException("no kernel of this module: " + kernel.name());
        }
        if (launch.parameters().byteSize() < kernel.parameterBytes() || launch.dynamicSharedBytes() < 0) {
            throw new IllegalArgumentException("the kernel takes " + kernel.parameterBytes() + " bytes of parameters");
        }
        if (launch.block().count() > kernel.maxThreads()) {
            throw new DeviceFault(
                    FaultKind.OUT_OF_RESOURCES,
                    "kernel " + kernel.name() + " runs with up to " + kernel.maxThreads() + " threads, not "
                            + launch.block().count());
        }
        Workspace workspace = workspaces.computeIfAbsent(kernel.name(), name -> new Workspace(kernel, memory));
        return new Execution(kernel, launch, options, memory, addresses, workspace).run();
    }

    @Override
    public void close() {
        addresses.values().forEach(memory::free);
        addresses.clear();
        workspaces.clear();
    }

    private void place(PtxVariable variable) {
        long address = memory.allocate(Math.max(1, variable.bytes()));
        addresses.put(variable.name(), address);
        memory.fill(address, 0, 1, variable.bytes());
        memory.write(address, variable.initial());
    }
}
