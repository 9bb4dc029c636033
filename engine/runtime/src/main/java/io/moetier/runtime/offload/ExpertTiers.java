package io.moetier.runtime.offload;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.Owned;
import io.moetier.runtime.metrics.Counters;
import io.moetier.runtime.slots.ElasticSlots;
import io.moetier.runtime.slots.SlotMoves;
import io.moetier.storage.cache.PolicyFactory;
import io.moetier.storage.cache.UseEstimator;
import io.moetier.storage.model.ExpertId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.IntPredicate;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// All memory that experts are computed from: the tier of each device, each for the experts that have their home there,
/// and the one in main memory below them, which the processor may compute from as well.
///
/// Lifetime: owns the tiers, but not the devices. Concurrency: confined to one thread at a time, as [ExpertTier].
/*
 * Parties. One thread computes, and has the lock of steps. It alone calls the tiers of devices, their caches and
 * policies, sequences and prefetchers, and closes them; but while it does not compute, the threads of a guard and of
 * its alarm may have slots given back and taken again, with the same lock, which they only try. Each device's tier has
 * loaders, threads that do nothing but run loads; if the processor computes misses, the HostSequence has loaders of its
 * own. Without a GPU there is one tier, whose loaders read the store. A device may come with other Loaders, which run
 * loads on the thread that computes.
 *
 * A slot of a device's tier (ExpertTier) changes only in the thread that computes:
 *   free      nothing is in it
 *   filling   reserved for an expert and pinned once; its Transfer is under way: submitted, begun, or ended but not
 *             collected. A layer waits for it, or nobody does: then it is ahead, which a later layer may take over
 *   held      pinned by the layer that found its expert there or has waited for it, until the group after; or by the
 *             prefetcher for a layer to come that is guessed to choose it, until other guesses are made
 *   resident  its expert may be held again, or leave
 *   retired   its memory was given back, until it is restored: free, with other memory or other pages
 * Free or resident becomes filling when a load is submitted; filling becomes held (or resident, if ahead) when the load
 * is collected, and free if it failed or was taken back; held becomes resident with the next group. A held slot may
 * become filling while kernels still read it on the device: the SlotReleases give its Transfer an event behind these,
 * for which the copy waits.
 * The Transfer is what crosses. The thread that computes writes it until it submits it, a loader until it has put it
 * into the queue of those that ended, the thread that computes again after it has collected it; the monitors of two
 * TransferQueues order these. In between that thread writes only what no loader reads: whom the load is for.
 *
 * A slot of the PinnedTier changes in any thread, under the tier's lock, which nobody holds while bytes move: free,
 * filling (pinned once by the thread that reads the expert into it; others wait for it), pinned so many times, resident.
 * A device's loader pins one for the time of a copy. A loader of the HostSequence pins one for the thread that
 * computes, which gives it back with the next group.
 *
 * Order of waits. A wait may depend only on what is below it:
 *   1 the thread that computes, for a device's load         while it holds no slot of the pinned tier
 *   2 a device's loader, for a slot of the pinned tier      while it holds none
 *   3 the thread that computes, for a load of the processor's, having given back its last group
 *   4 a loader of the HostSequence, for a slot of the pinned tier: those that are pinned are being copied (5), being
 *     read (6), of loads that ended, which 3 collects, or of its group, which it gives back before it waits
 *   5 a device's loader, for a stream, for kernels and for the copy, while it holds one slot
 *   6 whoever reads an expert, for the store, while it holds one slot
 * So the processor's experts are worked through, closed and ended before any device's are waited for. Loaders never
 * wait for a slot of a device's tier: it is reserved before a load is submitted. If all are filling ahead, the thread
 * that computes waits for one of these. Without a GPU there are 1 and 6 alone.
 * Locks are leaves: who holds the monitor of a TransferQueue, of idle streams or of MissCosts, or the pinned tier's
 * lock, takes no other of these and waits for nothing but its condition.
 *
 * Failure. What a load throws is kept in it, its slot is free when it is collected, and the layer that waits for it
 * throws it; if nobody waits it is forgotten, as whoever needs the expert will hear of it. A read into the pinned tier
 * that fails frees its slot and wakes all who wait. A copy that fails is waited for before its slot may be used; if that
 * fails too, nothing is copied to this device any more. After a failure a layer can only be closed. Interrupts end no
 * wait and are kept for later.
 *
 * Taking back. What no loader has begun can be taken back: by the next layer what is ahead, by closing a layer also what
 * it asked for. What has begun is waited for.
 *
 * Giving back and taking again. Any thread may ask for it; the thread that computes does it, between layers, or, while
 * none computes, who has the lock of steps. A slot that is free or resident is retired, or all of a piece if none is
 * anything else, and restored in the same way; so what is filling, held or being copied stays where it is. A device
 * without memory has slots given back in the middle of a layer, too. Slots of the PinnedTier are retired and restored
 * under its lock, and who waits for one is told; their memory is freed and allocated without it. The least stays, so every
 * wait above still ends.
 *
 * Closing, in this order: the HostSequence gives back its slots and ends its loaders; then, for one device after
 * another, its layer is closed, loads ahead are dropped, loaders end, and slots and streams are freed; last the pinned
 * tier. Closing in the middle of a layer is allowed.
 */
public final class ExpertTiers implements AutoCloseable {
    private final List<ExpertTier> tiers;
    private final @Nullable PinnedTier pinned; // null if the device reads main memory
    private final @Nullable HostSequence host;
    private final Placement placement;
    private final MissCosts costs;
    private final LayerExperts layerExperts;
    private final int[][] homes; // by layer and expert
    private final List<Share> shares = new ArrayList<>(); // of each device
    private final int[] ids; // of the layer's choice
    private final int[] guessed;
    private final float[] likelihoods;
    private final Owned owned;
    private final AtomicReference<@Nullable Asked> asked = new AtomicReference<>();

    /// What is to be done before the next layer.
    ///
    /// @param byteSize to be given back, or if it is negative, to be taken again
    /// @param addresses whether pages alone are not enough
    /// @param begun whether it is being done
    private record Asked(long byteSize, boolean addresses, boolean begun) {}

    /// What of a layer's choice falls to one device.
    private static final class Share {
        private final int[] experts;
        private final int[] rows;
        private final float[] weights;
        private int n;

        Share(int most) {
            experts = new int[most];
            rows = new int[most];
            weights = new float[most];
        }
    }

    private ExpertTiers(
            List<ExpertTier> tiers,
            @Nullable PinnedTier pinned,
            @Nullable HostSequence host,
            Placement placement,
            MissCosts costs,
            Owned owned) {
        this.tiers = List.copyOf(tiers);
        this.pinned = pinned;
        this.host = host;
        this.placement = placement;
        this.costs = costs;
        this.owned = owned;
        layerExperts = new LayerExperts(this.tiers, host);
        homes = homes(tiers);
        int most = Arrays.stream(homes).mapToInt(layer -> layer.length).max().orElse(0);
        tiers.forEach(_ -> shares.add(new Share(most)));
        ids = new int[most];
        guessed = new int[most];
        likelihoods = new float[most];
    }

    /// Opens the tier of a device that reads main memory.
    ///
    /// @throws IllegalArgumentException if the budget is below [SlotBudget#minimumBytes()]
    public static ExpertTiers inMainMemory(
            ExpertSource store, Device device, Residency residency, Loaders loaders, Counters counters) {
        Owned owned = new Owned();
        MissCosts costs = new MissCosts(loaders);
        Placement placement = new Placement(Misses.COPY, costs, 0);
        ExpertTier tier = ExpertTier.open(store, device, residency, placement, counters, loaders);
        owned.add(tier::close);
        return new ExpertTiers(List.of(tier), null, null, placement, costs, owned);
    }

    /// Opens the tiers of devices with memory of their own over one in main memory.
    ///
    /// @param budgets of the devices' experts, in bytes
    /// @param pinned which is closed with this, also if this fails
    /// @throws IllegalArgumentException if a budget is below what the top-k experts of one layer need, or there are
    ///     more devices than experts
    public static ExpertTiers over(
            PinnedTier pinned,
            List<Device> devices,
            int numExpertsPerToken,
            long[] budgets,
            PolicyFactory policy,
            Misses misses,
            Loaders loaders,
            Counters counters) {
        Owned owned = new Owned();
        MissCosts costs = new MissCosts(loaders);
        owned.add(pinned::close);
        try {
            ExpertSource store = pinned.source();
            int[] all = store.ids();
            int[][] divided = ExpertHomes.divide(all, store::sizeClassOf, budgets);
            int most = ExpertTier.mostExpertsOfOneLayer(all);
            Placement placement = new Placement(misses, costs, most);
            List<ExpertTier> tiers = new ArrayList<>();
            for (int i = 0; i < divided.length; i++) {
                DeviceCopies copies =
                        DeviceCopies.open(pinned, devices.get(i), divided[i], loaders.count(), costs, counters);
                owned.add(copies::close);
                Residency residency = new Residency(numExpertsPerToken, budgets[i], policy);
                ExpertTier tier = ExpertTier.open(copies, devices.get(i), residency, placement, counters, loaders);
                owned.add(tier::close);
                tiers.add(tier);
            }
            HostSequence host = null;
            if (misses != Misses.COPY) {
                host = new HostSequence(pinned, counters, loaders.ofProcessor(most), most);
                owned.add(host::end);
            }
            return new ExpertTiers(tiers, pinned, host, placement, costs, owned);
        } catch (RuntimeException | Error e) {
            try (owned) {
                throw e;
            }
        }
    }

    /// Returns the home of every expert.
    private static int[][] homes(List<ExpertTier> tiers) {
        int[] all =
                tiers.stream().flatMapToInt(tier -> IntStream.of(tier.ids())).toArray();
        int[][] homes = new int[IntStream.of(all).map(ExpertId::layerOf).max().orElse(-1) + 1][0];
        for (int id : all) {
            int layer = ExpertId.layerOf(id);
            homes[layer] = Arrays.copyOf(homes[layer], Math.max(homes[layer].length, ExpertId.expertOf(id) + 1));
        }
        for (int device = 0; device < tiers.size(); device++) {
            for (int id : tiers.get(device).ids()) {
                homes[ExpertId.layerOf(id)][ExpertId.expertOf(id)] = device;
            }
        }
        return homes;
    }

    /// Starts to gather the experts `experts[0..n)` of `layer`, which must be distinct; the order does not matter.
    ///
    /// The policies hear of the decision, and then of each expert once. What a device has is pinned, and what it
    /// lacks starts to load, as much as gets a slot. The result is the same object every time and must be closed
    /// before the next begin.
    ///
    /// @param rows `[n]`, to how many rows each expert is applied
    /// @param weights `[n]`, the factors of the experts' outputs, each summed over the tokens; null if not known
    /// @throws IllegalArgumentException if the layer has no such expert
    /// @throws IllegalStateException if what was begun before is still open
    public LayerExperts begin(int layer, int[] experts, int[] rows, float @Nullable [] weights, int n) {
        settle();
        placement.beginLayer();
        try {
            tellPinned(layer, experts, weights, n);
            if (tiers.size() == 1) {
                ExpertSequence _ = tiers.getFirst().begin(layer, experts, rows, weights, n);
            } else {
                beginShares(layer, experts, rows, weights, n);
            }
            if (host != null) {
                beginHost(host);
            }
        } catch (RuntimeException | Error e) {
            try (layerExperts) {
                throw e;
            }
        }
        return layerExperts;
    }

    private void tellPinned(int layer, int[] experts, float @Nullable [] weights, int n) {
        if (pinned != null) {
            for (int i = 0; i < n; i++) {
                ids[i] = ExpertId.pack(layer, experts[i]);
            }
            pinned.onDecision(ids, weights, n);
        }
    }

    private void beginShares(int layer, int[] experts, int[] rows, float @Nullable [] weights, int n) {
        for (Share share : shares) {
            share.n = 0;
        }
        for (int i = 0; i < n; i++) {
            Share share = shares.get(homes[layer][experts[i]]);
            share.experts[share.n] = experts[i];
            share.rows[share.n] = rows[i];
            share.weights[share.n++] = weights == null ? 0 : weights[i];
        }
        for (int device = 0; device < tiers.size(); device++) {
            Share share = shares.get(device);
            ExpertSequence _ = tiers.get(device)
                    .begin(layer, share.experts, share.rows, weights == null ? null : share.weights, share.n);
        }
    }

    private void beginHost(HostSequence host) {
        host.begin();
        for (ExpertTier tier : tiers) {
            ExpertSequence sequence = tier.sequence();
            for (int i = 0; i < sequence.numOnHost(); i++) {
                host.add(sequence.onHost(i));
            }
        }
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
    public void warm(IntToDoubleFunction share) {
        tiers.forEach(tier -> tier.warm(share, this::isAsked, this::settle));
    }

    /// Reads experts that are not here into slots that are free, those first that come first; to be called between
    /// layers. No access is counted.
    ///
    /// What the source throws when it reads an expert is thrown here.
    ///
    /// @param wanted packed ids; those that belong to no device are passed over
    public void fill(int[] wanted) {
        settle();
        tiers.forEach(tier -> tier.fill(wanted));
    }

    /// Begins to read an expert that is not here into a slot that is free, behind all that layers ask for, and
    /// waits for nothing; to be called between layers, again and again until it is settled, for it gives way to
    /// layers. No access is counted, and a read that fails is forgotten: whoever asks for the expert hears of it.
    ///
    /// @param id packed
    /// @return whether that is settled: the expert is here, or there is no room, or the read failed
    /// @throws IllegalArgumentException if there is no such expert
    public boolean fillBehind(int id) {
        int layer = ExpertId.layerOf(id);
        int expert = ExpertId.expertOf(id);
        if (layer >= homes.length || expert >= homes[layer].length) {
            throw new IllegalArgumentException("there is no " + ExpertId.unpack(id));
        }
        settle();
        return tiers.get(homes[layer][expert]).fillBehind(id);
    }

    /// Lets the policies take up what those of earlier runs have learnt of the model, and returns from how many tokens
    /// that was learnt; 0 if these policies learn nothing. To be called between two layers.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if the file is damaged or of other experts
    public long takeUp(Path file) {
        return whileNobodyLearns(List::isEmpty) ? 0 : whileNobodyLearns(LearntFile.parts(file)::teach);
    }

    /// Keeps what the policies have learnt of the model, if they learn anything.
    ///
    /// @param tokens from which, those of earlier runs included
    /// @throws IOException if it cannot be written
    public void keep(Path file, long tokens) throws IOException {
        Optional<ByteBuffer> image = whileNobodyLearns(learners -> LearntFile.image(tokens, learners));
        if (image.isPresent()) {
            LearntFile.publish(file, image.get());
        }
    }

    /// Returns what `use` makes of all that policies go by; loaders tell those of the pinned tier more at any time.
    private <T> T whileNobodyLearns(Function<List<UseEstimator>, T> use) {
        return pinned == null
                ? use.apply(learners())
                : pinned.whileNobodyLearns(ofPinned -> use.apply(
                        Stream.concat(learners().stream(), ofPinned.stream()).toList()));
    }

    private List<UseEstimator> learners() {
        return tiers.stream().flatMap(ExpertTier::learners).toList();
    }

    /// Registers which experts are computed elsewhere, by packed id: they are not loaded ahead, nor to begin with. What
    /// is asked for is loaded all the same.
    public void leaveOut(IntPredicate elsewhere) {
        tiers.forEach(tier -> tier.leaveOut(elsewhere));
    }

    /// Says whether an expert of a layer is where it is computed, or on its way there.
    public boolean isHere(int layer, int expert) {
        return tiers.get(homes[layer][expert]).isHere(layer, expert);
    }

    /// Forgets what was guessed before.
    public void beginGuesses() {
        tiers.forEach(ExpertTier::beginGuesses);
    }

    /// Loads the experts `experts[0..n)` of a layer to come, the likeliest first, behind what the layer under way asks
    /// for and what was guessed before; `likelihoods[i]` is that of `experts[i]`. Says whether any is not here.
    public boolean guess(int layer, int[] experts, float[] likelihoods, int n) {
        if (tiers.size() == 1) {
            return tiers.getFirst().guess(layer, experts, likelihoods, n);
        }
        boolean any = false;
        for (int device = 0; device < tiers.size(); device++) {
            int count = 0;
            for (int i = 0; i < n; i++) {
                if (homes[layer][experts[i]] == device) {
                    guessed[count] = experts[i];
                    this.likelihoods[count++] = likelihoods[i];
                }
            }
            any |= tiers.get(device).guess(layer, guessed, this.likelihoods, count);
        }
        return any;
    }

    /// Writes up to `k` experts that `layer` is most likely to choose at its next turn, the likeliest first, to
    /// `experts`, by what routers have chosen so far, with their probabilities; returns how many there are.
    public int likeliest(int layer, int[] experts, float[] probabilities, int k) {
        int n = tiers.getFirst().likeliest(layer, experts, probabilities, k);
        for (int device = 1; device < tiers.size(); device++) {
            int others = tiers.get(device).likeliest(layer, guessed, likelihoods, k);
            for (int i = 0; i < others; i++) {
                n = insert(guessed[i], likelihoods[i], experts, probabilities, n, k);
            }
        }
        return n;
    }

    /// Inserts an expert among the `n` likeliest, of which there are `k` at most; returns how many there are then.
    private static int insert(int expert, float probability, int[] experts, float[] probabilities, int n, int k) {
        if (n == k && probability <= probabilities[n - 1]) {
            return n;
        }
        int count = Math.min(n + 1, k);
        int at = count - 1;
        for (; at > 0 && probabilities[at - 1] < probability; at--) {
            probabilities[at] = probabilities[at - 1];
            experts[at] = experts[at - 1];
        }
        probabilities[at] = probability;
        experts[at] = expert;
        return count;
    }

    /// Says whether to look beyond the next layer if that has all that it will probably need. Experts that are copied
    /// to a device share a link, where one load ahead is enough.
    public boolean looksFar() {
        return pinned == null;
    }

    /// Says whether the next layer of a prompt is worth loading whenever loaders are idle: copies to a device leave the
    /// processor alone, and bits and times are all that anybody compares there, not what was found where.
    public boolean streamsPrompts() {
        return pinned != null && placement.copies();
    }

    /// Loads the experts of `layer`, the next one of a prompt, behind those of the layer that was begun, unless
    /// that has asked for few of its own.
    public void stream(int layer) {
        for (int device = 0; device < tiers.size(); device++) { // a lambda with the layer in it is an object
            tiers.get(device).stream(layer);
        }
    }

    /// Loads the experts of `layer`, the first that a long prompt passes, before anything of it is computed: that layer
    /// will ask for most of them.
    public void streamFirst(int layer) {
        for (int device = 0; device < tiers.size(); device++) {
            tiers.get(device).streamFirst(layer);
        }
    }

    /// Returns how many devices there are.
    public int numDevices() {
        return tiers.size();
    }

    /// Returns how many experts were asked for and found on each device, if there are several.
    public List<Long> deviceHits() {
        return tiers.size() == 1
                ? List.of()
                : tiers.stream().map(tier -> tier.sequence().hits()).toList();
    }

    /// Is told what the processor takes.
    public MissCosts costs() {
        return costs;
    }

    /// Returns the tier between the store and the devices, if they have memory of their own.
    public Optional<PinnedTier> pinned() {
        return Optional.ofNullable(pinned);
    }

    /// Tells how full the tier of each device is.
    public List<ResidentSummary> residentSummaries() {
        return tiers.stream().map(ExpertTier::residentSummary).toList();
    }

    /// Tells how full the tiers of all devices are, as if they were one.
    public ResidentSummary residentSummary() {
        return residentSummaries().stream().reduce(ResidentSummary::plus).orElseThrow();
    }

    /// Asks for `byteSize` bytes of slots in main memory to be given back, or if it is negative for so many to be taken
    /// again, before the next layer or with [#settle()]. What was asked for before counts no more; if that
    /// is being done, this does not count. From any thread.
    ///
    /// @param addresses whether pages alone are not enough
    public void ask(long byteSize, boolean addresses) {
        Asked next = byteSize == 0 ? null : new Asked(byteSize, addresses, false);
        asked.updateAndGet(before -> before != null && before.begun ? before : next);
    }

    /// Says whether anything that was asked for was not done yet, from any thread.
    public boolean isAsked() {
        return asked.get() != null;
    }

    /// Says whether what was asked for is being done, from any thread.
    public boolean isSettling() {
        Asked found = asked.get();
        return found != null && found.begun;
    }

    /// Does what was asked for. To be called between layers.
    public void settle() {
        if (asked.get() == null) {
            return;
        }
        Asked found = asked.updateAndGet(
                before -> before == null ? null : new Asked(before.byteSize, before.addresses, true));
        if (found != null) {
            try {
                if (found.byteSize > 0) {
                    giveBack(found.byteSize, found.addresses);
                } else {
                    takeAgain(-found.byteSize);
                }
            } finally {
                asked.set(null);
            }
        }
    }

    /// Returns the bytes of slots in main memory whose pages are still to come, from any thread. Pinned ones are there
    /// from the beginning.
    public long emptyBytes() {
        return pinned == null ? tiers.getFirst().emptyBytes() : 0;
    }

    /// Gives back `byteSize` bytes of slots in main memory or a little more, or what can be spared if that is
    /// less; returns false if nothing can. To be called between layers. Experts that were there are loaded again
    /// when they are needed.
    ///
    /// @param addresses whether pages alone are not enough
    public boolean giveBack(long byteSize, boolean addresses) {
        return pinned == null
                ? tiers.getFirst().giveBack(byteSize, addresses)
                : pinned.elastic().giveBack(byteSize, addresses);
    }

    /// Takes again as many slots in main memory as fit into `byteSize` bytes, and returns how many bytes that
    /// was. To be called between layers.
    public long takeAgain(long byteSize) {
        return inMainMemory().takeAgain(byteSize);
    }

    /// Gives back so much of a device's slots, as [#giveBack(long, boolean)].
    public boolean giveBackOn(int device, long byteSize) {
        return tiers.get(device).giveBack(byteSize, false);
    }

    /// Takes again so much of a device's slots, as [#takeAgain(long)].
    public long takeAgainOn(int device, long byteSize) {
        return tiers.get(device).elastic().takeAgain(byteSize);
    }

    /// Returns the bytes of what a device would take again first, 0 if all slots are there.
    public long nextBytesOn(int device) {
        return tiers.get(device).elastic().nextBytes();
    }

    /// Returns the bytes of a device's slots that are away.
    public long awayBytesOn(int device) {
        return tiers.get(device).elastic().awayBytes();
    }

    /// Returns the bytes of slots in main memory that are away, from any thread.
    public long awayBytes() {
        return inMainMemory().awayBytes();
    }

    /// Returns the bytes of slots in main memory that can be given back, from any thread.
    public long spareBytes() {
        return inMainMemory().spareBytes();
    }

    /// Returns the bytes that are enough for anything that is taken again in main memory now, from any thread.
    public long partBytes() {
        return inMainMemory().partBytes();
    }

    /// Returns what slots in main memory were given back and taken again, from any thread.
    public SlotMoves moves() {
        return inMainMemory().moves();
    }

    /// Returns what slots of a device were given back and taken again, from any thread.
    public SlotMoves movesOn(int device) {
        return tiers.get(device).elastic().moves();
    }

    private ElasticSlots inMainMemory() {
        return pinned == null ? tiers.getFirst().elastic() : pinned.elastic();
    }

    @Override
    public void close() {
        owned.close();
    }
}
