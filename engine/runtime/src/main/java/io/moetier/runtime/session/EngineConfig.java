package io.moetier.runtime.session;

import static io.moetier.runtime.option.InvalidOptionException.require;

import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.DeviceFactory;
import io.moetier.kernels.device.KvType;
import io.moetier.runtime.model.mixture.ExpertSelection;
import io.moetier.runtime.offload.Misses;
import io.moetier.runtime.offload.PrefetchChoice;
import io.moetier.runtime.remote.ExpertNodesFactory;
import io.moetier.storage.expert.IoMode;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.LongStream;

/// How a model is run.
public record EngineConfig(Compute compute, Memory memory, Offloading offloading, Numerics numerics) {
    public static final EngineConfig DEFAULT =
            new EngineConfig(Compute.DEFAULT, Memory.DEFAULT, Offloading.DEFAULT, Numerics.DEFAULT);

    /// @throws io.moetier.runtime.option.InvalidOptionException if the parts contradict each other
    public EngineConfig {
        int devices = compute.devices().size();
        int budgets = memory.vramBytes().size();
        require(
                budgets == 0 || devices > 0,
                "vramBytes",
                "none without devices that have memory of their own",
                memory.vramBytes());
        require(
                budgets <= 1 || budgets == devices,
                "vramBytes",
                "one size, or one for each of the " + devices + " devices",
                budgets);
        require(
                offloading.misses() == Misses.COPY || devices > 0,
                "misses",
                "COPY without devices, which miss experts",
                offloading.misses());
    }

    /// Returns this configuration with other devices.
    public EngineConfig withDevice(DeviceFactory... factories) {
        return with(new Compute(
                List.of(factories), compute.threads(), compute.kernels(), compute.nativeDirectory(), compute.nodes()));
    }

    /// Returns this configuration with another number of threads.
    public EngineConfig withThreads(int count) {
        return with(
                new Compute(compute.devices(), count, compute.kernels(), compute.nativeDirectory(), compute.nodes()));
    }

    /// Returns this configuration with other kernels.
    public EngineConfig withKernels(KernelChoice choice) {
        return with(
                new Compute(compute.devices(), compute.threads(), choice, compute.nativeDirectory(), compute.nodes()));
    }

    /// Returns this configuration with another directory for native code.
    public EngineConfig withNativeDirectory(Path directory) {
        return with(new Compute(
                compute.devices(), compute.threads(), compute.kernels(), Optional.of(directory), compute.nodes()));
    }

    /// Returns this configuration with nodes that compute experts.
    public EngineConfig withNodes(ExpertNodesFactory nodes) {
        return with(new Compute(
                compute.devices(),
                compute.threads(),
                compute.kernels(),
                compute.nativeDirectory(),
                Optional.of(nodes)));
    }

    /// Returns this configuration with another context.
    public EngineConfig withContextLength(int tokens) {
        return with(new Memory(tokens, memory.ramBytes(), memory.vramBytes(), memory.reservedBytes()));
    }

    /// Returns this configuration with another budget.
    public EngineConfig withRamBytes(long bytes) {
        return with(
                new Memory(memory.contextLength(), OptionalLong.of(bytes), memory.vramBytes(), memory.reservedBytes()));
    }

    /// Returns this configuration with other budgets of the devices' memory: one for each, or one for all.
    public EngineConfig withVramBytes(long... bytes) {
        List<Long> budgets = LongStream.of(bytes).boxed().toList();
        return with(new Memory(memory.contextLength(), memory.ramBytes(), budgets, memory.reservedBytes()));
    }

    /// Returns this configuration with more or less memory left free.
    public EngineConfig withReservedBytes(long bytes) {
        return with(new Memory(memory.contextLength(), memory.ramBytes(), memory.vramBytes(), bytes));
    }

    /// Returns this configuration with another policy.
    public EngineConfig withPolicy(String name, Optional<Path> census) {
        PolicyChoice choice = new PolicyChoice.Named(name, census);
        return with(new Offloading(choice, offloading.io(), offloading.prefetch(), offloading.misses()));
    }

    /// Returns this configuration with another way to read experts.
    public EngineConfig withIo(IoMode mode) {
        return with(new Offloading(offloading.policy(), mode, offloading.prefetch(), offloading.misses()));
    }

    /// Returns this configuration with another way of loading ahead.
    public EngineConfig withPrefetch(PrefetchChoice choice) {
        return with(new Offloading(offloading.policy(), offloading.io(), choice, offloading.misses()));
    }

    /// Returns this configuration with another answer to misses.
    public EngineConfig withMisses(Misses choice) {
        return with(new Offloading(offloading.policy(), offloading.io(), offloading.prefetch(), choice));
    }

    /// Returns this configuration with keys and values stored in another way.
    public EngineConfig withKv(KvType type) {
        return with(new Numerics(type, numerics.selection()));
    }

    /// Returns this configuration with another number of experts for a token.
    public EngineConfig withSelection(ExpertSelection selection) {
        return with(new Numerics(numerics.kv(), selection));
    }

    private EngineConfig with(Compute other) {
        return new EngineConfig(other, memory, offloading, numerics);
    }

    private EngineConfig with(Memory other) {
        return new EngineConfig(compute, other, offloading, numerics);
    }

    private EngineConfig with(Offloading other) {
        return new EngineConfig(compute, memory, other, numerics);
    }

    private EngineConfig with(Numerics other) {
        return new EngineConfig(compute, memory, offloading, other);
    }
}
