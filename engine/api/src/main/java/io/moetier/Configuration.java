package io.moetier;

import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.cuda.driver.CudaDriver;
import io.moetier.kernels.device.ActivationType;
import io.moetier.kernels.device.DeviceFactory;
import io.moetier.runtime.offload.Misses;
import io.moetier.runtime.offload.PrefetchChoice;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.runtime.session.Compute;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.Gpus;
import io.moetier.runtime.session.Memory;
import io.moetier.runtime.session.Numerics;
import io.moetier.runtime.session.Offloading;
import io.moetier.runtime.session.PolicyChoice;
import io.moetier.storage.expert.IoMode;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Options as the engine takes them.
///
/// @param policies throws what an embedder's policy has thrown
record Configuration(EngineConfig engine, Runnable policies) {
    /// Finds what the options ask for.
    ///
    /// @param cache where native code stays unpacked
    /// @throws InvalidOptionException if the device cannot be had
    static Configuration of(ModelOptions options, Path cache) {
        Caching caching = options.caching();
        return switch (caching.eviction()) {
            case Eviction.Auto _ -> new Configuration(engine(options, cache, PolicyChoice.AUTO), () -> {});
            case Eviction.Named(String policy, Optional<Path> census) ->
                new Configuration(engine(options, cache, new PolicyChoice.Named(policy, census)), () -> {});
            case Eviction.Own(EvictionPolicy.Factory factory) -> {
                OwnPolicies policies = new OwnPolicies(factory);
                yield new Configuration(engine(options, cache, new PolicyChoice.Own(policies)), policies::check);
            }
        };
    }

    private static EngineConfig engine(ModelOptions options, Path cache, PolicyChoice policy) {
        return switch (options.device()) {
            case Device.Cpu _ -> engine(options, policy, List.of(), List.of(), Misses.COPY);
            case Device.Gpus gpus ->
                engine(options, policy, factories(gpus, cache), gpus.vramBytes(), misses(gpus.misses()));
        };
    }

    private static EngineConfig engine(
            ModelOptions options,
            PolicyChoice policy,
            List<DeviceFactory> devices,
            List<Long> vramBytes,
            Misses misses) {
        Caching caching = options.caching();
        return new EngineConfig(
                new Compute(devices, options.threads(), KernelChoice.AUTO, Optional.empty(), Optional.empty()),
                new Memory(options.contextLength(), options.memoryBytes(), vramBytes, 0),
                new Offloading(policy, io(caching.reading()), prefetch(caching.prefetch()), misses),
                Numerics.DEFAULT);
    }

    private static List<DeviceFactory> factories(Device.Gpus asked, Path cache) {
        int[] numbers = asked.numbers().stream().mapToInt(number -> number).toArray();
        Gpus gpus = Gpus.find(CudaDriver.find(asked.driver(), Optional.of(cache)), ActivationType.F32, numbers);
        gpus.objection().ifPresent(reason -> {
            throw new InvalidOptionException("device", reason);
        });
        return gpus.factories();
    }

    private static Misses misses(Device.Misses of) {
        return switch (of) {
            case COPY -> Misses.COPY;
            case CPU -> Misses.CPU;
            case AUTO -> Misses.AUTO;
        };
    }

    private static PrefetchChoice prefetch(Caching.Prefetch of) {
        return switch (of) {
            case OFF -> PrefetchChoice.OFF;
            case AUTO -> PrefetchChoice.AUTO;
            case ON -> PrefetchChoice.ON;
        };
    }

    private static IoMode io(Caching.Reading of) {
        return switch (of) {
            case MAPPED -> IoMode.MAPPED;
            case PREAD -> IoMode.PREAD;
            case DIRECT -> IoMode.DIRECT;
            case AUTO -> IoMode.AUTO;
        };
    }
}
