package io.moetier.runtime.session;

import static io.moetier.runtime.option.InvalidOptionException.require;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.Owned;
import io.moetier.runtime.metrics.Counters;
import io.moetier.runtime.model.mixture.ExpertCopies;
import io.moetier.runtime.offload.ExpertTiers;
import io.moetier.runtime.offload.Loaders;
import io.moetier.runtime.offload.Residency;
import io.moetier.runtime.offload.SlotBudget;
import io.moetier.runtime.offload.StoreSource;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.storage.cache.PolicyFactory;
import io.moetier.storage.expert.BlockLayout;
import io.moetier.storage.expert.BlockPart;
import io.moetier.storage.expert.ExpertStore;
import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.model.ExpertId;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/// The store that has a model's experts in fewer bits, and what part of the budget of experts these copies take.
///
/// @param budget of the copies alone
/// @param readingShare what reading a copy takes, as a share of what reading the expert does
record CopyStore(ExpertStore store, SlotBudget budget, double readingShare) {
    /// Copies are of cold experts: few are asked for twice.
    private static final int SHARE_OF_BUDGET = 16;

    private static final String FIELD = "copies";

    /// Opens the store in `directory`.
    ///
    /// @param of the model's own
    /// @param ofModel what is divided among the model's experts
    /// @param owned closes it
    /// @throws InvalidOptionException if these are not the same experts in fewer bits, or others compute too
    static CopyStore open(
            Path directory,
            ExpertStore of,
            SlotBudget ofModel,
            EngineConfig config,
            int numExpertsPerToken,
            Counters counters,
            Owned owned) {
        require(
                config.compute().devices().isEmpty() && config.compute().nodes().isEmpty(),
                FIELD,
                "the processor of this machine alone, which computes them",
                config.compute().nodes().isPresent() ? "nodes" : "a GPU");
        ExpertStore store = ExpertStore.open(directory, config.offloading().io());
        owned.add(store::close);
        Set<ExpertId> there = Set.copyOf(store.experts());
        for (ExpertId id : of.experts()) {
            requireSame(
                    directory,
                    id,
                    shapes(of.layout(id.pack())),
                    there.contains(id) ? shapes(store.layout(id.pack())) : List.of());
        }
        SlotBudget budget = SlotBudget.of(new StoreSource(store, counters), numExpertsPerToken);
        double share = (double) budget.allBytes() / ofModel.allBytes();
        require(
                share < 1,
                FIELD,
                "experts of less than " + ByteSize.format(ofModel.allBytes())
                        + " together, in fewer bits than those of the model",
                ByteSize.format(budget.allBytes()) + " in " + directory);
        return new CopyStore(store, budget, share);
    }

    private static void requireSame(Path directory, ExpertId id, List<String> expected, List<String> found) {
        require(
                found.equals(expected),
                FIELD,
                "the experts of the model, of which " + id + " has " + String.join(", ", expected),
                (found.isEmpty() ? "no such expert" : String.join(", ", found)) + " in " + directory);
    }

    private static List<String> shapes(BlockLayout layout) {
        return layout.parts().stream().map(CopyStore::shape).toList();
    }

    private static String shape(BlockPart part) {
        return part.name() + " " + part.rows() + " x " + part.cols();
    }

    /// Returns the least that copies take: those of the top-k experts of one layer.
    long leastBytes() {
        return budget.minimumBytes();
    }

    /// Returns how much of a budget copies take.
    ///
    /// @param leastOfModel what the model's own experts need
    /// @throws InvalidOptionException if it is too small for both
    long bytes(long ramBytes, long leastOfModel) {
        long least = Math.addExact(leastBytes(), leastOfModel);
        require(
                ramBytes >= least,
                "ramBytes",
                ByteSize.format(least) + " or more, for the top-k experts of one layer and their copies in fewer bits",
                ByteSize.format(ramBytes));
        long share = Math.clamp(ramBytes / SHARE_OF_BUDGET, leastBytes(), budget.allBytes());
        return Math.min(share, ramBytes - leastOfModel);
    }

    /// Opens the tier of the copies.
    ///
    /// @param owned closes it
    ExpertCopies tier(
            Device device,
            long bytes,
            int numExpertsPerToken,
            PolicyFactory policy,
            Loaders loaders,
            Counters counters,
            Owned owned) {
        ExpertTiers tiers = ExpertTiers.inMainMemory(
                new StoreSource(store, counters),
                device,
                new Residency(numExpertsPerToken, bytes, policy),
                loaders,
                counters);
        owned.add(tiers::close);
        return new ExpertCopies(tiers, layer -> store.layout(ExpertId.pack(layer, 0)), readingShare);
    }
}
