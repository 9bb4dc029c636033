package io.moetier.runtime.session;

import static io.moetier.runtime.option.InvalidOptionException.require;

import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.DeviceFactory;
import io.moetier.kernels.device.KvType;
import io.moetier.runtime.model.ExpertSelection;
import io.moetier.runtime.offload.Misses;
import io.moetier.runtime.offload.PrefetchChoice;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.expert.IoMode;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import java.util.stream.LongStream;

/// How a model is run.
///
/// @param devices what computes; none for the CPU. The first one computes all but experts, which are divided over all
/// @param misses what becomes of experts that a device lacks
/// @param threads compute threads of the CPU, alone or beside devices; 0 for one per physical core
/// @param ramBytes budget of the host tier's expert slots; empty for what fits beside the rest
/// @param vramBytes budgets of all that devices with memory of their own hold: one for each, or one number for all;
/// empty for what is free there less a reserve
/// @param policy name of the eviction policy
/// @param census routing trace whose counts rank the experts; needed by the policy `static`, alone or with quotas, and
/// by no other
/// @param io how cold experts are read
/// @param kernels which kernels compute
/// @param kv how keys and values are stored
/// @param prefetch whether experts are loaded before a layer asks for them
/// @param nativeDirectory where native code is unpacked, for later starts to find; empty for a temporary directory
/// @param contextLength tokens a session can hold; 0 for the model's maximum, at most [#DEFAULT_CONTEXT]
/// @param reservedBytes memory that others will take, which the host tier leaves free where `ramBytes` is empty
/// @param selection how many experts a token is sent to
public record EngineConfig(
        List<DeviceFactory> devices,
        Misses misses,
        int threads,
        OptionalLong ramBytes,
        List<Long> vramBytes,
        String policy,
        Optional<Path> census,
        IoMode io,
        KernelChoice kernels,
        KvType kv,
        PrefetchChoice prefetch,
        Optional<Path> nativeDirectory,
        int contextLength,
        long reservedBytes,
        ExpertSelection selection) {
    /// Context of a session when nothing else is asked for and the model allows it.
    public static final int DEFAULT_CONTEXT = 4096;

    public static final EngineConfig DEFAULT = new EngineConfig(
            List.of(),
            Misses.COPY,
            0,
            OptionalLong.empty(),
            List.of(),
            "lru",
            Optional.empty(),
            IoMode.AUTO,
            KernelChoice.AUTO,
            KvType.F16,
            PrefetchChoice.OFF,
            Optional.empty(),
            0,
            0,
            ExpertSelection.TRAINED);

    /// @throws io.moetier.runtime.option.InvalidOptionException if a value is out of range
    public EngineConfig {
        require(threads >= 0, "threads", "0 or more", threads);
        require(contextLength >= 0, "contextLength", "0 or more", contextLength);
        require(reservedBytes >= 0, "reservedBytes", "0 or more", reservedBytes);
        devices = List.copyOf(devices);
        vramBytes = List.copyOf(vramBytes);
        require(
                vramBytes.isEmpty() || !devices.isEmpty(),
                "vramBytes",
                "none without devices that have memory of their own",
                vramBytes);
        require(
                vramBytes.size() <= 1 || vramBytes.size() == devices.size(),
                "vramBytes",
                "one size, or one for each of the " + devices.size() + " devices",
                vramBytes.size());
        require(misses == Misses.COPY || !devices.isEmpty(), "misses", "COPY without devices, which miss experts", misses);
        require(
                Policies.needsCensus(policy) == census.isPresent(),
                "census",
                "a routing trace for the policy static, and none for others",
                census.map(Path::toString).orElse("none") + " for " + policy);
    }

    /// Returns the device that computes all but experts; empty for the CPU.
    public Optional<DeviceFactory> device() {
        return devices.stream().findFirst();
    }

    /// Returns this configuration with other devices.
    public EngineConfig withDevice(DeviceFactory... factories) {
        return changed(change -> change.devices = List.of(factories));
    }

    /// Returns this configuration with another answer to misses.
    public EngineConfig withMisses(Misses choice) {
        return changed(change -> change.misses = choice);
    }

    /// Returns this configuration with another budget.
    public EngineConfig withRamBytes(long bytes) {
        return changed(change -> change.ramBytes = OptionalLong.of(bytes));
    }

    /// Returns this configuration with other budgets of the devices' memory: one for each, or one for all.
    public EngineConfig withVramBytes(long... bytes) {
        return changed(change -> change.vramBytes = LongStream.of(bytes).boxed().toList());
    }

    /// Returns this configuration with another number of threads.
    public EngineConfig withThreads(int count) {
        return changed(change -> change.threads = count);
    }

    /// Returns this configuration with another way to read experts.
    public EngineConfig withIo(IoMode mode) {
        return changed(change -> change.io = mode);
    }

    /// Returns this configuration with another policy.
    public EngineConfig withPolicy(String name, Optional<Path> censusFile) {
        return changed(change -> {
            change.policy = name;
            change.census = censusFile;
        });
    }

    /// Returns this configuration with other kernels.
    public EngineConfig withKernels(KernelChoice choice) {
        return changed(change -> change.kernels = choice);
    }

    /// Returns this configuration with keys and values stored in another way.
    public EngineConfig withKv(KvType type) {
        return changed(change -> change.kv = type);
    }

    /// Returns this configuration with another way of loading ahead.
    public EngineConfig withPrefetch(PrefetchChoice choice) {
        return changed(change -> change.prefetch = choice);
    }

    /// Returns this configuration with another directory for native code.
    public EngineConfig withNativeDirectory(Path directory) {
        return changed(change -> change.nativeDirectory = Optional.of(directory));
    }

    /// Returns this configuration with another context.
    public EngineConfig withContextLength(int tokens) {
        return changed(change -> change.contextLength = tokens);
    }

    /// Returns this configuration with more or less memory left free.
    public EngineConfig withReservedBytes(long bytes) {
        return changed(change -> change.reservedBytes = bytes);
    }

    /// Returns this configuration with another number of experts for a token.
    public EngineConfig withSelection(ExpertSelection newSelection) {
        return changed(change -> change.selection = newSelection);
    }

    private EngineConfig changed(Consumer<Change> edit) {
        Change change = new Change(this);
        edit.accept(change);
        return change.config();
    }

    /// A configuration while it is changed.
    private static final class Change {
        private List<DeviceFactory> devices;
        private Misses misses;
        private IoMode io;
        private int contextLength;
        private int threads;
        private OptionalLong ramBytes;
        private List<Long> vramBytes;
        private String policy;
        private Optional<Path> census;
        private KernelChoice kernels;
        private KvType kv;
        private PrefetchChoice prefetch;
        private Optional<Path> nativeDirectory;
        private long reservedBytes;
        private ExpertSelection selection;

        private Change(EngineConfig from) {
            devices = from.devices;
            misses = from.misses;
            threads = from.threads;
            ramBytes = from.ramBytes;
            vramBytes = from.vramBytes;
            policy = from.policy;
            census = from.census;
            io = from.io;
            kernels = from.kernels;
            kv = from.kv;
            prefetch = from.prefetch;
            nativeDirectory = from.nativeDirectory;
            contextLength = from.contextLength;
            reservedBytes = from.reservedBytes;
            selection = from.selection;
        }

        private EngineConfig config() {
            return new EngineConfig(
                    devices,
                    misses,
                    threads,
                    ramBytes,
                    vramBytes,
                    policy,
                    census,
                    io,
                    kernels,
                    kv,
                    prefetch,
                    nativeDirectory,
                    contextLength,
                    reservedBytes,
                    selection);
        }
    }
}
