package io.moetier.engine.offload;

import io.moetier.engine.device.Device;
import io.moetier.engine.device.Owned;
import io.moetier.engine.metrics.Counters;
import io.moetier.engine.metrics.FlightEvents;
import io.moetier.storage.cache.ExpertCache;
import io.moetier.storage.cache.PolicyFactory;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.Tier;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// The experts that lie where they are computed, within a budget of bytes; the others are loaded when a layer needs
/// them.
///
/// It is the DEVICE tier over a [PinnedTier] if the device has memory of its own, else the HOST tier over the store.
///
/// Lifetime: owns its memory and its loader threads until it is closed; no block may be used after that.
/// Concurrency: confined to one thread at a time, which takes one layer's experts after another with
/// [#begin(int, int\[\], int\[\], float\[\], int)].
public final class ExpertTier implements AutoCloseable {
    /// Loaders unless the user says otherwise: one reads while the other checks what it has read.
    static final int DEFAULT_LOADERS = 2;

    private final long budgetBytes;
    private final int[] ids;
    private final Counters counters;
    private final List<SizeClass> sizeClasses;
    private final int[] sizeClassOfLayer;
    private final Owned owned;
    private final TransferScheduler<Transfer> scheduler;
    private final Prefetcher prefetcher;
    private final ExpertSequence sequence;

    private ExpertTier(
            ExpertSource source,
            Device device,
            int[] slots,
            long budgetBytes,
            PolicyFactory policy,
            Placement placement,
            Counters counters,
            int loaders,
            Owned owned) {
        this.owned = owned;
        this.budgetBytes = budgetBytes;
        this.counters = counters;
        ids = source.ids();
        sizeClassOfLayer = sizeClassOfLayer(source);
        Arena arena = device.newArena();
        owned.add(arena::close);
        SlotReleases releases = new SlotReleases(device);
        owned.add(releases::close);
        sizeClasses = new ArrayList<>();
        for (int c = 0; c < slots.length; c++) {
            int sizeClass = c;
            int[] members = IntStream.of(ids)
                    .filter(id -> source.sizeClassOf(id) == sizeClass)
                    .toArray();
            sizeClasses.add(sizeClass(source, device, arena, releases, members, slots[c], source.slotBytes(c), policy));
        }
        int capacity = IntStream.of(slots).sum();
        scheduler = device.hostClock()
                .<TransferScheduler<Transfer>>map(clock -> new VirtualLoaders(clock, loaders, capacity))
                .orElseGet(() -> new LoaderThreads<>(loaders, capacity));
        owned.add(scheduler::close);
        prefetcher = new Prefetcher(
                scheduler,
                counters,
                new UseRates(ids),
                device.readsMainMemory() ? loaders : 1, // copies share a link, and a layer would wait for all of them
                sizeClasses,
                sizeClassOfLayer,
                mostExpertsOfOneLayer(ids));
        sequence = new ExpertSequence(placement, releases, scheduler, prefetcher, counters, mostExpertsOfOneLayer(ids));
        owned.add(sequence::close);
    }

    /// Opens an empty tier of at most `budgetBytes`, divided over the size classes in proportion to their bytes.
    ///
    /// @param device whose memory the slots are
    /// @throws IllegalArgumentException if the budget is below [SlotBudget#minimumBytes()]
    public static ExpertTier open(
            ExpertSource source,
            Device device,
            int numExpertsPerToken,
            long budgetBytes,
            PolicyFactory policy,
            Placement placement,
            Counters counters,
            int loaders) {
        int[] slots = SlotBudget.of(source, numExpertsPerToken).slots(budgetBytes);
        Owned owned = new Owned();
        try {
            return new ExpertTier(source, device, slots, budgetBytes, policy, placement, counters, loaders, owned);
        } catch (RuntimeException | Error e) {
            owned.close();
            throw e;
        }
    }

    /// Starts to gather the experts `experts[0..n)` of `layer`, which must be distinct; the order does not matter.
    ///
    /// The policies hear of the decision, and then of each expert once. Residents are pinned, and missing ones
    /// start to load, as many as get a slot. The sequence is the same object every time and must be closed before
    /// the next begin.
    ///
    /// @param rows `[n]`, to how many rows each expert is applied
    /// @param weights `[n]`, the factors of the experts' outputs, each summed over the tokens; null if not known
    /// @throws IllegalArgumentException if the layer has no such expert
    /// @throws IllegalStateException if the previous sequence is still open
    ExpertSequence begin(int layer, int[] experts, int[] rows, float @Nullable [] weights, int n) {
        int sizeClass = layer < 0 || layer >= sizeClassOfLayer.length ? -1 : sizeClassOfLayer[layer];
        if (sizeClass < 0 && n > 0) {
            throw new IllegalArgumentException("layer " + layer + " has no experts");
        }
        sequence.begin(sizeClasses.get(Math.max(0, sizeClass)), layer, experts, rows, weights, n);
        return sequence;
    }

    /// Loads the experts that will probably be chosen soon, as many as fit. To be called before the first
    /// [#begin(int, int\[\], int\[\], float\[\], int)]; no access is counted.
    ///
    /// The policies are not told what earlier runs chose, which says what to start with and little of what to
    /// keep: `lfu` did worse with such counts.
    ///
    /// What the source throws when it reads an expert is thrown here.
    ///
    /// @param share of tokens that chose an expert in earlier runs, by packed id
    /// @throws IllegalStateException if an expert is here already
    void warm(IntToDoubleFunction share) {
        if (residentSummary().numResident() > 0) {
            throw new IllegalStateException("the tier has been used: " + residentSummary());
        }
        for (int c = 0; c < sizeClasses.size(); c++) {
            int sizeClass = c;
            IntStream members = IntStream.of(ids).filter(id -> sizeClassOfLayer[ExpertId.layerOf(id)] == sizeClass);
            new Warming(sizeClasses.get(c), members, share).run(scheduler, counters);
        }
    }

    /// Has the experts `experts[0..n)` of a layer to come, the likeliest first, loaded while the present sequence waits
    /// for nothing; they replace those guessed before. `likelihoods[i]` is that of `experts[i]`.
    void guess(int layer, int[] experts, float[] likelihoods, int n) {
        prefetcher.guess(layer, experts, likelihoods, n);
    }

    /// Returns what [#begin] returns.
    ExpertSequence sequence() {
        return sequence;
    }

    /// Returns the packed ids of the experts that belong here.
    int[] ids() {
        return ids;
    }

    /// Tells how full the tier is.
    public ResidentSummary residentSummary() {
        return ResidentSummary.of(sizeClasses, ids.length, budgetBytes);
    }

    @Override
    public void close() {
        owned.close();
    }

    private SizeClass sizeClass(
            ExpertSource source,
            Device device,
            Arena arena,
            SlotReleases releases,
            int[] ids,
            int numSlots,
            long slotBytes,
            PolicyFactory policy) {
        ExpertCache cache = new ExpertCache(ids, numSlots, policy.create(ids, numSlots), evicted -> {
            counters.addEviction();
            FlightEvents.expertEviction(ExpertId.layerOf(evicted), ExpertId.expertOf(evicted));
        });
        MemorySegment memory = device.allocateSlab(Math.multiplyExact(numSlots, slotBytes), arena);
        Slab slab = new Slab(memory, numSlots, slotBytes);
        List<Transfer> transfers = IntStream.range(0, numSlots)
                .mapToObj(slot -> new Transfer(source, slab, slot, releases))
                .toList();
        return new SizeClass(device.readsMainMemory() ? Tier.HOST : Tier.DEVICE, cache, slab, transfers);
    }

    /// Returns the size class of each layer, -1 for a layer without experts.
    ///
    /// @throws IllegalArgumentException if a layer mixes size classes
    private static int[] sizeClassOfLayer(ExpertSource source) {
        int numLayers = IntStream.of(source.ids()).map(ExpertId::layerOf).max().orElse(-1) + 1;
        int[] classes = new int[numLayers];
        Arrays.fill(classes, -1);
        for (int id : source.ids()) {
            int layer = ExpertId.layerOf(id);
            int sizeClass = source.sizeClassOf(id);
            if (classes[layer] >= 0 && classes[layer] != sizeClass) {
                throw new IllegalArgumentException(
                        "layer " + layer + " mixes experts of size classes " + classes[layer] + " and " + sizeClass);
            }
            classes[layer] = sizeClass;
        }
        return classes;
    }

    /// Returns how many of these experts the layer with the most has.
    static int mostExpertsOfOneLayer(int[] ids) {
        int[] counts = new int[ExpertId.MAX_INDEX + 1];
        for (int id : ids) {
            counts[ExpertId.layerOf(id)]++;
        }
        return Arrays.stream(counts).max().orElse(0);
    }
}
