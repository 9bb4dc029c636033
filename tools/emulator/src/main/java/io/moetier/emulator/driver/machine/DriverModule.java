package io.moetier.emulator.driver.machine;

import io.moetier.emulator.ptx.run.LoadedModule;
import java.util.HashMap;
import java.util.Map;

/// A module that a program loaded, and the handles of its kernels by name.
public record DriverModule(EmulatedContext context, LoadedModule module, Map<String, Long> kernels)
        implements ContextResource {
    public DriverModule(EmulatedContext context, LoadedModule module) {
        this(context, module, new HashMap<>());
    }

    @Override
    public String describe() {
        return "module with the kernels " + String.join(", ", module.module().kernelNames());
    }

    @Override
    public void discard() {
        module.close();
    }
}
