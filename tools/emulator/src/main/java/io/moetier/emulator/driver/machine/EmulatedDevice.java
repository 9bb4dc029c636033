package io.moetier.emulator.driver.machine;

import io.moetier.emulator.driver.clock.EngineKind;
import io.moetier.emulator.driver.clock.GpuProfile;
import io.moetier.emulator.driver.option.EmulatedGpu;
import io.moetier.emulator.driver.stream.Engine;
import io.moetier.emulator.memory.DeviceMemory;
import io.moetier.emulator.memory.FreshMemory;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A device: memory, engines, and who has allocated what.
public final class EmulatedDevice {
    private final int ordinal;
    private final EmulatedGpu gpu;
    private final DeviceMemory memory;
    private final Map<EngineKind, Engine> engines = new EnumMap<>(EngineKind.class);
    private final Map<Long, EmulatedContext> allocations = new LinkedHashMap<>();
    private @Nullable EmulatedContext primary;

    EmulatedDevice(int ordinal, EmulatedGpu gpu, FreshMemory fresh) {
        this.ordinal = ordinal;
        this.gpu = gpu;
        memory = new DeviceMemory(gpu.vramBytes(), fresh, ordinal);
        for (EngineKind kind : EngineKind.values()) {
            engines.put(kind, new Engine(ordinal, kind));
        }
    }

    public int ordinal() {
        return ordinal;
    }

    public GpuProfile profile() {
        return gpu.profile();
    }

    public DeviceMemory memory() {
        return memory;
    }

    /// Returns the owners of allocations by address.
    public Map<Long, EmulatedContext> allocations() {
        return allocations;
    }

    @Nullable
    public EmulatedContext primary() {
        return primary;
    }

    public void setPrimary(@Nullable EmulatedContext context) {
        primary = context;
    }

    public Engine engine(EngineKind kind) {
        Engine engine = engines.get(kind);
        if (engine == null) {
            throw new IllegalStateException("no engine for " + kind);
        }
        return engine;
    }

    public List<Engine> engines(EngineKind kind) {
        return List.of(engine(kind));
    }
}
