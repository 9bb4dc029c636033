package io.moetier.runtime.session;

import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceFactory;
import io.moetier.kernels.device.Owned;
import io.moetier.runtime.offload.DeviceWithLoaders;
import io.moetier.runtime.offload.ExpertTiers;
import io.moetier.runtime.offload.Loaders;
import io.moetier.runtime.offload.Misses;
import io.moetier.storage.expert.BlockLayout;
import io.moetier.storage.model.DType;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// What an engine computes with: the processor alone, or devices with memory of their own and, where it computes what
/// they lack, the processor beside them.
///
/// @param all all but experts is computed on the first
/// @param beside the processor where it computes what is missing on devices
/// @param loaders that copy experts to where they are computed
record EngineDevices(List<Device> all, Optional<Device> beside, Loaders loaders) {
    /// Opens what a configuration names.
    ///
    /// @param owned closes them
    static EngineDevices open(EngineConfig config, Owned owned) {
        List<Device> all = openAll(config, owned);
        Loaders loaders = config.compute().device().orElse(null) instanceof DeviceWithLoaders own
                ? own.loaders()
                : Loaders.THREADS;
        Optional<Device> beside = config.offloading().misses() == Misses.COPY
                ? Optional.empty()
                : Optional.of(own(
                        CpuDevice.openBeside(
                                threads(config),
                                config.compute().kernels(),
                                config.compute().nativeDirectory(),
                                all.getFirst().activations()),
                        owned));
        return new EngineDevices(all, beside, loaders);
    }

    private static List<Device> openAll(EngineConfig config, Owned owned) {
        Compute compute = config.compute();
        if (compute.devices().isEmpty()) {
            return List.of(own(CpuDevice.open(threads(config), compute.kernels(), compute.nativeDirectory()), owned));
        }
        List<Device> opened = new ArrayList<>();
        for (DeviceFactory factory : compute.devices()) {
            owned.add(factory::close);
            opened.add(own(factory.open(), owned));
        }
        return List.copyOf(opened);
    }

    private static int threads(EngineConfig config) {
        return PhysicalCores.threads(config.compute().threads());
    }

    private static Device own(Device opened, Owned owned) {
        owned.add(opened::close);
        return opened;
    }

    /// Returns the one that all but experts is computed on.
    Device first() {
        return all.getFirst();
    }

    /// Returns those that compute experts for the first one, but for the processor.
    List<Device> others() {
        return all.subList(1, all.size());
    }

    /// Says whether experts are computed where they are in main memory.
    boolean readMainMemory() {
        return first().readsMainMemory();
    }

    /// Prepares devices with memory of their own for weights of these types and of those of experts.
    void prepare(Set<DType> besideExperts, List<BlockLayout> experts) {
        if (readMainMemory()) {
            return;
        }
        Set<DType> types = EnumSet.copyOf(besideExperts);
        experts.forEach(layout -> layout.parts().forEach(part -> types.add(part.dtype())));
        all.forEach(each -> each.prepare(types));
    }

    /// Returns the guards of slots on devices with memory of their own.
    List<VramGuard> guards(ExpertTiers tiers) {
        return readMainMemory()
                ? List.of()
                : IntStream.range(0, all.size())
                        .mapToObj(number -> new VramGuard(tiers, number, all.get(number), nanos()))
                        .toList();
    }

    /// Returns the time by which ways to do the same are compared.
    long nanos() {
        return (long) loaders.nanos();
    }

    /// Returns the bytes that devices keep between operations.
    long workingBytes() {
        return all.stream().mapToLong(Device::workingBytes).sum();
    }

    /// Says what computes.
    String description() {
        return all.stream().map(Device::description).collect(Collectors.joining("; "))
                + beside.map(processor -> "; what is missing there: " + processor.description())
                        .orElse("");
    }
}
