package io.moetier.emulator.driver;

import io.moetier.emulator.ptx.LoadedModule;
import java.util.HashMap;
import java.util.Map;

/// A module that a program loaded, and the handles of its kernels by name.
record DriverModule(EmulatedContext context, LoadedModule module, Map<String, Long> kernels)
        implements ContextResource {
    DriverModule(EmulatedContext context, LoadedModule module) {
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
