package io.moetier.runtime.session;

import io.moetier.kernels.device.Device;
import io.moetier.runtime.model.mixture.ExpertPlaces;
import io.moetier.runtime.model.mixture.LargestProducts;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.offload.SlotBudget;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.storage.expert.BlockLayout;
import io.moetier.storage.expert.ExpertStore;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.IntStream;

/// How an engine that opens divides memory, main memory and that of devices: the sums of [EngineNeeds] for a store and
/// devices that are there.
///
/// @param budget of the model's own experts
/// @param copies of experts in fewer bits, which take a part of what experts may
record EngineMemory(
        ExpertStore store,
        SlotBudget budget,
        Optional<CopyStore> copies,
        ModelSpec spec,
        EngineConfig config,
        EngineDevices devices) {

    /// Says whether somebody said how much experts in main memory may take.
    boolean isAsked() {
        return config.memory().ramBytes().isPresent();
    }

    /// Returns the smallest budget of experts in main memory: the top-k experts of one layer, and their copies.
    long leastExperts() {
        return budget.minimumBytes() + copies.map(CopyStore::leastBytes).orElse(0L);
    }

    /// Returns what the model's own experts get of what experts may take in main memory.
    ///
    /// @throws InvalidOptionException if it is too small for them and the copies
    long ofModel(long experts) {
        return copies.map(from -> experts - from.bytes(experts, budget.minimumBytes()))
                .orElse(experts);
    }

    /// Checks, before the weights are read, that there is room for them and the fewest experts, unless somebody said
    /// how
    /// much experts may take.
    ///
    /// @throws InvalidOptionException if there is not
    void requireLeast() {
        EngineNeeds needs = needs(0);
        requireUnlessAsked(needs.inMainMemory(needs.batch(MemoryBudget::fits)));
    }

    /// Returns how many tokens a pass takes at most, when the weights are in memory.
    int batch() {
        return needs().batch(MemoryBudget::fits);
    }

    /// Returns what main memory is meant for, when the weights are there.
    ///
    /// @throws InvalidOptionException if nobody says how much experts may take, and the least does not fit
    MemoryPlan plan(int batch) {
        MemoryNeeds needs = needs().inMainMemory(batch);
        requireUnlessAsked(needs);
        return MemoryBudget.plan(needs);
    }

    private void requireUnlessAsked(MemoryNeeds needs) {
        if (!isAsked()) {
            MemoryBudget.require(needs);
        }
    }

    /// Returns what experts and their copies may take in main memory.
    long experts(MemoryPlan plan) {
        return config.memory().ramBytes().orElseGet(() -> Math.max(leastExperts(), plan.expertBytes()));
    }

    /// Returns what experts may take on each device with memory of its own.
    ///
    /// @throws InvalidOptionException if it is less than the least
    long[] expertsOnDevices(int batch) {
        return IntStream.range(0, devices.all().size())
                .mapToLong(number -> expertsOn(number, batch))
                .toArray();
    }

    private long expertsOn(int number, int batch) {
        boolean isOne = devices.all().size() == 1;
        List<Long> asked = config.memory().vramBytes();
        OptionalLong bytes =
                asked.isEmpty() ? OptionalLong.empty() : OptionalLong.of(asked.get(asked.size() == 1 ? 0 : number));
        OptionalInt named = isOne ? OptionalInt.empty() : OptionalInt.of(number);
        Device device = devices.all().get(number);
        return onDevice(device, batch).expertBytes(bytes, device.availableBytes(), named);
    }

    private VramBudget onDevice(Device device, int batch) {
        if (!device.equals(devices.first())) {
            long products = device.workingBytes(LargestProducts.ofExperts(spec, batch));
            long workspace = ExpertPlaces.bytesThere(spec, batch) + products + device.workingBytes();
            return new VramBudget(0, 0, workspace, leastExperts());
        }
        int others = devices.others().size() + (devices.beside().isPresent() ? 1 : 0);
        EngineNeeds needs = needs();
        return needs.onDevice(
                batch, others, device.workingBytes() + device.workingBytes(needs.productsOnDevice(batch)));
    }

    private EngineNeeds needs() {
        return needs(store.denseBytes());
    }

    private EngineNeeds needs(long weightsThere) {
        long loading = loaderBytes(store)
                + copies.map(from -> loaderBytes(from.store())).orElse(0L);
        EngineNeeds.Bytes bytes = new EngineNeeds.Bytes(leastExperts(), store.denseBytes(), weightsThere, loading);
        return new EngineNeeds(spec, config, devices.first(), devices.readMainMemory(), bytes);
    }

    private long loaderBytes(ExpertStore read) {
        long slotBytes =
                read.layouts().stream().mapToLong(BlockLayout::slotBytes).max().orElse(0);
        return EngineNeeds.loaderBytes(read.readsPastCache(), devices.loaders().mostCount(), slotBytes);
    }
}
