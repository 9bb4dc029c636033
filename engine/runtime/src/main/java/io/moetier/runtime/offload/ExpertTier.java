package io.moetier.runtime.offload;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.Owned;
import io.moetier.runtime.metrics.Counters;
import io.moetier.runtime.metrics.FlightEvents;
import io.moetier.runtime.slots.ElasticSlots;
import io.moetier.runtime.slots.Slab;
import io.moetier.runtime.slots.SlabMemory;
import io.moetier.runtime.slots.SlotPieces;
import io.moetier.storage.cache.EvictionPolicy;
import io.moetier.storage.cache.ExpertCache;
import io.moetier.storage.cache.UseEstimator;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.Tier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.IntPredicate;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
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
    private final long budgetBytes;
    private final int[] ids;
    private final Counters counters;
    private final List<SizeClass> sizeClasses;
    private final int[] sizeClassOfLayer;
    private final int[][] idsOfLayer;
    private final Owned owned;
    private final TransferScheduler<Transfer> scheduler;
    private final PromptSlots promptSlots;
    private final Prefetcher prefetcher;
    private final ExpertSequence sequence;
    private final ElasticSlots elastic;
    private IntPredicate elsewhere = _ -> false;
    private boolean choseMost; // of the layer's experts, the present sequence

    private ExpertTier(
            ExpertSource source,
            Device device,
            Residency residency,
            Placement placement,
            Counters counters,
            Loaders loaders,
            Owned owned) {
        SlotBudget slotBudget = residency.slotBudget(source);
        int[] slots = slotBudget.slots(residency.budgetBytes());
        this.owned = owned;
        budgetBytes = residency.budgetBytes();
        this.counters = counters;
        ids = source.ids();
        sizeClassOfLayer = sizeClassOfLayer(source);
        idsOfLayer = IntStream.range(0, sizeClassOfLayer.length)
                .mapToObj(layer -> IntStream.of(ids)
                        .filter(id -> ExpertId.layerOf(id) == layer)
                        .toArray())
                .toArray(int[][]::new);
        SlotReleases releases = new SlotReleases(device);
        owned.add(releases::close);
        sizeClasses = new ArrayList<>();
        for (int c = 0; c < slots.length; c++) {
            int sizeClass = c;
            int[] members = IntStream.of(ids)
                    .filter(id -> source.sizeClassOf(id) == sizeClass)
                    .toArray();
            EvictionPolicy policy = residency.policy().create(members, slots[c]);
            ExpertCache cache = new ExpertCache(members, slots[c], policy, this::onEviction);
            sizeClasses.add(sizeClass(source, device, releases, cache, source.slotBytes(c), slotBudget.leastSlots(c)));
        }
        scheduler = loaders.ofDevice(IntStream.of(slots).sum());
        owned.add(scheduler::close);
        owned.add(this::dropAhead);
        promptSlots = new PromptSlots(sizeClassOfLayer.length);
        prefetcher = new Prefetcher(
                scheduler,
                counters,
                promptSlots,
                device.readsMainMemory()
                        ? loaders.count()
                        : 1, // copies share a link, and a layer would wait for all of them
                sizeClasses,
                sizeClassOfLayer,
                mostExpertsOfOneLayer(ids));
        sequence = new ExpertSequence(
                placement, releases, scheduler, prefetcher, promptSlots, counters, mostExpertsOfOneLayer(ids));
        owned.add(sequence::close);
        elastic = new ElasticSlots(
                sizeClasses.stream().map(SizeClass::pieces).toList(),
                sizeClasses.getFirst().tier(),
                counters,
                loaders::nanos,
                new ReentrantLock(),
                () -> {});
        device.relieveWith(byteSize -> giveBack(byteSize, false));
        owned.add(() -> device.relieveWith(byteSize -> false));
    }

    /// Opens an empty tier.
    ///
    /// @param device whose memory the slots are
    /// @throws IllegalArgumentException if the budget is below [SlotBudget#minimumBytes()]
    public static ExpertTier open(
            ExpertSource source,
            Device device,
            Residency residency,
            Placement placement,
            Counters counters,
            Loaders loaders) {
        Owned owned = new Owned();
        try {
            return new ExpertTier(source, device, residency, placement, counters, loaders, owned);
        } catch (RuntimeException | Error e) {
            try (owned) {
                throw e;
            }
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
        choseMost = sizeClass >= 0 && 2 * n >= idsOfLayer[layer].length;
        scheduler.stream(choseMost && sizeClasses.getFirst().tier() == Tier.HOST);
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
    /// @param isAsked whether slots are to move; then no more reads are begun until they have
    /// @param settle moves them
    /// @throws IllegalStateException if an expert is here already
    void warm(IntToDoubleFunction share, BooleanSupplier isAsked, Runnable settle) {
        if (residentSummary().filled().number() > 0) {
            throw new IllegalStateException("the tier has been used: " + residentSummary());
        }
        for (int c = 0; c < sizeClasses.size(); c++) {
            boolean all = false;
            while (!all) {
                settle.run();
                all = warm(c, share, isAsked);
            }
        }
    }

    private boolean warm(int sizeClass, IntToDoubleFunction share, BooleanSupplier isAsked) {
        SizeClass warmed = sizeClasses.get(sizeClass);
        ExpertCache cache = warmed.cache();
        IntStream missing = IntStream.of(ids)
                .filter(id -> sizeClassOfLayer[ExpertId.layerOf(id)] == sizeClass && cache.slotOf(id) < 0)
                .filter(elsewhere.negate());
        int[] hottestLast = WarmChoice.hottestLast(missing, share, cache.numSlots() - cache.numResident());
        return new Warming(warmed, hottestLast).run(scheduler, counters, isAsked);
    }

    /// Reads experts that are not here into slots that are free, those first that come first.
    void fill(int[] wanted) {
        prefetcher.finish();
        for (int c = 0; c < sizeClasses.size(); c++) {
            int sizeClass = c;
            ExpertCache cache = sizeClasses.get(c).cache();
            int[] chosen = IntStream.of(wanted)
                    .filter(id -> isOf(sizeClass, id) && cache.slotOf(id) < 0)
                    .distinct()
                    .limit(cache.numSlots() - cache.numResident())
                    .toArray();
            int[] hottestLast = IntStream.rangeClosed(1, chosen.length)
                    .map(i -> chosen[chosen.length - i])
                    .toArray();
            boolean _ = new Warming(sizeClasses.get(c), hottestLast).run(scheduler, counters, () -> false);
        }
    }

    /// Begins to read an expert into a slot that is free, and waits for nothing; says whether that is settled: it is
    /// here, or there is no room, or the read failed, which is forgotten then.
    boolean fillBehind(int id) {
        return prefetcher.fillBehind(id);
    }

    private boolean isOf(int sizeClass, int id) {
        int layer = ExpertId.layerOf(id);
        return layer < sizeClassOfLayer.length
                && sizeClassOfLayer[layer] == sizeClass
                && IntStream.of(idsOfLayer[layer]).anyMatch(here -> here == id);
    }

    /// Registers which experts are not to be loaded ahead, nor to begin with, by packed id.
    void leaveOut(IntPredicate elsewhere) {
        this.elsewhere = elsewhere;
        prefetcher.leaveOut(elsewhere);
    }

    /// Returns what the policies go by.
    Stream<UseEstimator> learners() {
        return sizeClasses.stream().flatMap(sizeClass -> sizeClass.cache().learner().stream());
    }

    /// Says whether an expert of a layer is here, or on its way.
    boolean isHere(int layer, int expert) {
        return sizeClasses.get(sizeClassOfLayer[layer]).cache().slotOf(ExpertId.pack(layer, expert)) >= 0;
    }

    /// Forgets what was guessed before.
    void beginGuesses() {
        prefetcher.beginGuesses();
    }

    /// Loads the experts `experts[0..n)` of a layer to come, the likeliest first, behind what the present sequence asks
    /// for and what was guessed before; `likelihoods[i]` is that of `experts[i]`. Says whether any is not here.
    boolean guess(int layer, int[] experts, float[] likelihoods, int n) {
        return prefetcher.guess(layer, experts, likelihoods, n);
    }

    /// Writes up to `k` of the experts here that `layer` is most likely to choose at its next turn, the likeliest
    /// first, with their probabilities, and returns how many.
    int likeliest(int layer, int[] experts, float[] probabilities, int k) {
        return prefetcher.likeliest(layer, experts, probabilities, k);
    }

    /// Returns what [#begin] returns.
    ExpertSequence sequence() {
        return sequence;
    }

    /// Loads the experts of `layer`, the next one of a prompt, behind those of the present sequence. But if that
    /// asked for less than half of its own layer, each is likelier not to be needed, and nothing is loaded ahead.
    /// Nor is anything if all experts here belong to layers before.
    void stream(int layer) {
        if (choseMost && layer < idsOfLayer.length) {
            prefetcher.stream(layer, idsOfLayer[layer]);
        } else {
            prefetcher.beginGuesses();
        }
    }

    /// Loads the experts of `layer`, the first that a long prompt passes, before anything of it is computed: that layer
    /// will ask for most of them.
    void streamFirst(int layer) {
        if (layer < idsOfLayer.length && idsOfLayer[layer].length > 0) {
            scheduler.stream(sizeClasses.getFirst().tier() == Tier.HOST);
            prefetcher.giveWay();
            promptSlots.beginBefore(layer);
            prefetcher.stream(layer, idsOfLayer[layer]);
            prefetcher.streamBehind();
        }
    }

    /// Returns the packed ids of the experts that belong here.
    int[] ids() {
        return ids;
    }

    /// Tells how full the tier is.
    public ResidentSummary residentSummary() {
        return ResidentSummary.of(sizeClasses, budgetBytes, elastic.moves().numAway());
    }

    @Override
    public void close() {
        owned.close();
    }

    /// Loaders need not load what nobody will ask for.
    private void dropAhead() {
        while (scheduler.cancel() != null) {
            // the next one
        }
    }

    private SizeClass sizeClass(
            ExpertSource source,
            Device device,
            SlotReleases releases,
            ExpertCache cache,
            long slotBytes,
            int leastSlots) {
        Slab slab = new Slab(slotBytes);
        SlotPieces pieces = new SlotPieces(cache, slab, SlabMemory.of(device), leastSlots);
        owned.add(pieces::close);
        List<Transfer> transfers = IntStream.range(0, cache.numSlots())
                .mapToObj(slot -> new Transfer(source, slab, slot, releases))
                .toList();
        return new SizeClass(device.readsMainMemory() ? Tier.HOST : Tier.DEVICE, cache, slab, transfers, pieces);
    }

    private void onEviction(int id) {
        counters.addEviction();
        FlightEvents.expertEviction(ExpertId.layerOf(id), ExpertId.expertOf(id));
    }

    /// Gives back memory for something else on the device. What was in it is loaded again when it is needed.
    ///
    /// @param addresses whether pages alone are not enough
    boolean giveBack(long byteSize, boolean addresses) {
        prefetcher.releaseHeld();
        return elastic.giveBack(byteSize, addresses);
    }

    /// Returns what gives slots back and takes them again.
    ElasticSlots elastic() {
        return elastic;
    }

    /// Returns the bytes of slots whose pages are still to come, from any thread.
    long emptyBytes() {
        long bytes = 0;
        for (SizeClass sizeClass : sizeClasses) {
            bytes += sizeClass.slab().emptyBytes();
        }
        return bytes;
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
        int most = 0;
        for (int id : ids) {
            most = Math.max(most, ++counts[ExpertId.layerOf(id)]);
        }
        return most;
    }
}
