package io.moetier.runtime.session;

import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.cuda.CudaDevice;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.offload.Loaders;
import io.moetier.runtime.offload.ResidentSummary.Slots;
import io.moetier.runtime.offload.SlotBudget;
import io.moetier.runtime.offload.SlotBudget.SizeClassCount;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.storage.memory.MemoryLimit;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/// What an engine would hold in memory, by the sums that it adds up itself when it opens ([MemoryBudget] and
/// [VramBudget]), from headers alone.
///
/// @param plan what goes into main memory: experts get what it leaves. It has other weights beside a device as well,
///     which are there until the device has a copy of them, and an engine plans before that
/// @param slots of experts in main memory
/// @param device what goes into a device's memory, if one computes
/// @param batch tokens that a pass takes at most
/// @param contextLength tokens that a session holds
/// @param keyValues what keys, values and states of that many tokens take, by kind
/// @param workspace buffers of a session, the rotations of all its positions, and what reading the longest input of an
///     encoder takes, wherever they lie
public record MemoryForecast(
        MemoryPlan plan,
        Slots slots,
        Optional<OnDevice> device,
        int batch,
        int contextLength,
        Map<String, Long> keyValues,
        long workspace) {

    /// What a device holds.
    ///
    /// @param bytes all of it
    /// @param slots of experts
    public record OnDevice(long bytes, long weights, long keyValues, long workspace, Slots slots) {}

    /// A model, as far as memory is concerned.
    ///
    /// @param sizeClasses how many experts of which size there are
    /// @param otherWeightBytes of all weights besides
    public record Model(ModelSpec spec, List<SizeClassCount> sizeClasses, long otherWeightBytes) {
        public Model {
            sizeClasses = List.copyOf(sizeClasses);
        }

        /// Returns how a budget is divided.
        public SlotBudget slotBudget() {
            return new SlotBudget(sizeClasses, Engine.numExpertsPerToken(spec));
        }

        private Slots slots(long budgetBytes) {
            int[] slots = slotBudget().slots(budgetBytes);
            long bytes = 0;
            for (int c = 0; c < slots.length; c++) {
                bytes += slots[c] * sizeClasses.get(c).slotBytes();
            }
            return new Slots(Arrays.stream(slots).sum(), bytes);
        }
    }

    /// A device that is not there.
    ///
    /// @param bytes that can be had of its memory
    /// @param budget how much of it may be taken; empty for all less a reserve
    public record PlannedDevice(long bytes, OptionalLong budget) {}

    /// Returns what an engine would hold.
    ///
    /// @param config with `ramBytes` empty, experts get what the limits leave
    /// @param pastCache whether experts are read past the page cache
    /// @throws InvalidOptionException if the least does not fit, with all parts
    public static MemoryForecast of(
            Model model,
            EngineConfig config,
            List<MemoryLimit> limits,
            Optional<PlannedDevice> device,
            boolean pastCache) {
        SlotBudget budget = model.slotBudget();
        long slotBytes = model.sizeClasses().stream()
                .mapToLong(SizeClassCount::slotBytes)
                .max()
                .orElse(0);
        long loaders = EngineNeeds.loaderBytes(pastCache, Loaders.THREADS.mostCount(), slotBytes);
        EngineNeeds.Bytes bytes = new EngineNeeds.Bytes(budget.minimumBytes(), model.otherWeightBytes(), 0, loaders);
        try (CpuDevice counted = CpuDevice.open(1, KernelChoice.PLAIN)) {
            EngineNeeds needs = new EngineNeeds(model.spec(), config, counted, device.isEmpty(), bytes);
            MemoryBudget.Held held = MemoryBudget.Held.now();
            int batch = needs.batch(of -> MemoryBudget.fits(of, limits, held));
            MemoryNeeds ofBatch = needs.inMainMemory(batch);
            if (config.memory().ramBytes().isEmpty()) {
                MemoryBudget.require(ofBatch, limits, held);
            }
            MemoryPlan plan = MemoryBudget.plans(ofBatch, limits, held).getFirst();
            long experts =
                    config.memory().ramBytes().orElseGet(() -> Math.max(budget.minimumBytes(), plan.expertBytes()));
            long kept = CudaDevice.STAGING_BYTES + CudaDevice.mostBytes(needs.productsOnDevice(batch));
            VramBudget onDevice = needs.onDevice(batch, 0, kept);
            return new MemoryForecast(
                    plan,
                    model.slots(experts),
                    device.map(of -> held(of, onDevice, model)),
                    batch,
                    needs.contextLength(),
                    KvCache.allocatedByKind(model.spec(), config.numerics().kv(), needs.contextLength()),
                    onDevice.workspace());
        }
    }

    private static OnDevice held(PlannedDevice device, VramBudget needs, Model model) {
        long experts = needs.expertBytes(device.budget(), device.bytes(), OptionalInt.empty());
        return new OnDevice(
                device.budget().orElse(device.bytes()),
                needs.weights(),
                needs.keyValues(),
                needs.workspace(),
                model.slots(experts));
    }
}
