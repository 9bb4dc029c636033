package io.moetier.runtime.offload;

import io.moetier.runtime.metrics.Counters;
import io.moetier.runtime.metrics.FlightEvents;
import io.moetier.runtime.metrics.Section;
import io.moetier.storage.cache.ExpertCache;
import io.moetier.storage.cache.OutOfSlotsException;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.Tier;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/// The experts of one layer that an [ExpertTier] has or loads, group after group: first those that were resident, then
/// the missing ones as they arrive. Missing ones that the processor is to compute are only named.
///
/// ```
/// try (ExpertSequence sequence = tier.begin(layer, experts, rows, weights, n)) {
///     while (sequence.next()) {
///         for (int i = 0; i < sequence.size(); i++) {
///             compute(sequence.expert(i), sequence.block(i));
///         }
///     }
/// }
/// ```
///
/// Lifetime: the blocks of a group are pinned until the next [#next()] or [#close()], then their slots go to the next
/// missing experts. So any number of experts can be worked through with a few slots. While some wait for a slot, a
/// group takes half of the slots at most, so that loads go on while it is computed. When none waits any more, the
/// [Prefetcher] may load behind them what the layers to come will probably need; when this is closed, what the
/// processor has computed. Confined to the thread of its [ExpertTier].
public final class ExpertSequence implements ExpertArrivals {
    private static final int NONE = -1;

    private final Placement placement;
    private final SlotReleases releases;
    private final TransferScheduler<Transfer> scheduler;
    private final Prefetcher prefetcher;
    private final PromptSlots promptSlots;
    private final Counters counters;
    private final LongAdder hits = new LongAdder();
    private final int[] ids;
    private final int[] residentIndices;
    private final int[] missingIndices;
    private final int[] indices; // of the group
    private final int[] slots; // of the group
    private final Tier[] tiers; // of the group
    private @Nullable SizeClass sizeClass; // null while closed
    private int numResidents;
    private int nextResident;
    private int numMissing; // to be loaded
    private int nextMissing;
    private int numOnHost; // behind those in missingIndices
    private int numUnderWay;
    private int size;

    /// @param placement says which missing experts are only named
    ExpertSequence(
            Placement placement,
            SlotReleases releases,
            TransferScheduler<Transfer> scheduler,
            Prefetcher prefetcher,
            PromptSlots promptSlots,
            Counters counters,
            int maxExperts) {
        this.placement = placement;
        this.releases = releases;
        this.scheduler = scheduler;
        this.prefetcher = prefetcher;
        this.promptSlots = promptSlots;
        this.counters = counters;
        ids = new int[maxExperts];
        residentIndices = new int[maxExperts];
        missingIndices = new int[maxExperts];
        indices = new int[maxExperts];
        slots = new int[maxExperts];
        tiers = new Tier[maxExperts];
    }

    void begin(SizeClass sizeClass, int layer, int[] experts, int[] rows, float @Nullable [] weights, int n) {
        if (this.sizeClass != null) {
            throw new IllegalStateException("the previous sequence of experts is still open");
        }
        if (n > ids.length) {
            throw new IllegalArgumentException(n + " experts of layer " + layer + ", which has " + ids.length);
        }
        for (int i = 0; i < n; i++) {
            ids[i] = ExpertId.pack(layer, experts[i]);
        }
        this.sizeClass = sizeClass;
        numResidents = 0;
        nextResident = 0;
        numMissing = 0;
        nextMissing = 0;
        numOnHost = 0;
        try {
            prefetcher.giveWay();
            promptSlots.begin(layer);
            if (n > 0) {
                sizeClass.cache().decide(ids, weights, n);
                sort(sizeClass, n);
                place(sizeClass, rows);
                startLoads(sizeClass);
            }
        } catch (RuntimeException | Error e) { // such as for an expert that the layer does not have, or named twice
            try (this) {
                throw e;
            }
        }
        int misses = numMissing + numOnHost;
        counters.addHits(n - misses);
        hits.add(n - misses);
        counters.addMisses(misses);
    }

    @Override
    public boolean next() {
        SizeClass sizeClass = open();
        release(sizeClass);
        startLoads(sizeClass);
        while (nextResident == numResidents && numUnderWay == 0 && nextMissing < numMissing) {
            counters.activity().enter(Section.WAIT);
            prefetcher.settle(scheduler.await()); // all slots are being filled ahead
            counters.activity().enter(Section.EXPERTS);
            startLoads(sizeClass);
        }
        int most = nextMissing == numMissing
                ? ids.length
                : Math.max(1, sizeClass.cache().numSlots() / 2);
        if (nextResident < numResidents) {
            takeResidents(sizeClass, most);
        } else if (numUnderWay > 0) {
            takeArrivals(sizeClass, most);
        }
        if (nextMissing == numMissing) {
            prefetcher.streamBehind();
            prefetcher.guessBehind(numUnderWay);
        }
        return size > 0;
    }

    /// Returns how many experts were asked for and found, from any thread.
    long hits() {
        return hits.sum();
    }

    /// Returns how many of the missing experts the processor is to compute.
    int numOnHost() {
        return numOnHost;
    }

    /// Returns the id of one of those.
    int onHost(int i) {
        return ids[missingIndices[numMissing + Objects.checkIndex(i, numOnHost)]];
    }

    @Override
    public boolean isEmpty() {
        return nextResident == numResidents && numUnderWay == 0 && nextMissing == numMissing;
    }

    @Override
    public boolean isNextResident() {
        return nextResident < numResidents;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public int expert(int i) {
        return ExpertId.expertOf(ids[indices[Objects.checkIndex(i, size)]]);
    }

    @Override
    public MemorySegment block(int i) {
        return open().transfers().get(slots[Objects.checkIndex(i, size)]).block();
    }

    @Override
    public Tier tier(int i) {
        return tiers[Objects.checkIndex(i, size)];
    }

    @Override
    public void close() {
        SizeClass sizeClass = this.sizeClass;
        if (sizeClass == null) {
            return;
        }
        while (nextResident < numResidents) {
            sizeClass.cache().unpin(sizeClass.cache().slotOf(ids[residentIndices[nextResident++]]));
        }
        while (numUnderWay > 0) {
            Transfer transfer = scheduler.cancel();
            if (transfer == null) {
                end(sizeClass, scheduler.await());
            } else if (transfer.isAhead()) {
                prefetcher.drop(transfer);
            } else {
                numUnderWay--;
                sizeClass.cache().abandon(transfer.slot());
            }
        }
        this.sizeClass = null;
        release(sizeClass);
        prefetcher.startBehind();
    }

    private void end(SizeClass sizeClass, Transfer transfer) {
        if (transfer.isAhead()) {
            prefetcher.settle(transfer);
        } else if (settle(sizeClass, transfer)) {
            sizeClass.cache().unpin(transfer.slot());
        }
    }

    /// Pins the residents before anything is evicted, so that none of them is.
    private void sort(SizeClass sizeClass, int n) {
        ExpertCache cache = sizeClass.cache();
        for (int i = 0; i < n; i++) {
            int slot = cache.access(ids[i]);
            if (slot == NONE) {
                missingIndices[numMissing++] = i;
                continue;
            }
            Transfer transfer = sizeClass.transfers().get(slot);
            if (transfer.isFirstUseOfAhead()) {
                counters.addPrefetchHit();
            }
            if (transfer.isUnderWay() && !transfer.isAhead()) {
                throw new IllegalArgumentException(ExpertId.unpack(ids[i]) + " is asked for twice");
            }
            if (transfer.isUnderWay()) { // pinned as a load
                prefetcher.handOver(transfer, i);
                numUnderWay++;
            } else {
                cache.pin(slot);
                residentIndices[numResidents++] = i;
            }
        }
    }

    private void place(SizeClass sizeClass, int[] rows) {
        numOnHost = placement.onProcessor(
                missingIndices, numMissing, rows, sizeClass.slab().slotBytes());
        numMissing -= numOnHost;
        for (int i = 0; i < numOnHost; i++) {
            prefetcher.loadBehind(onHost(i));
        }
    }

    private void startLoads(SizeClass sizeClass) {
        ExpertCache cache = sizeClass.cache();
        while (nextMissing < numMissing) {
            int missing = missingIndices[nextMissing];
            int reserved = tryReserve(cache, ids[missing]);
            if (reserved == NONE) {
                if (nextResident == numResidents && numUnderWay + prefetcher.numUnderWay() == 0) {
                    throw new OutOfSlotsException(numMissing - nextMissing, 0, cache.numPinned());
                }
                return;
            }
            nextMissing++;
            numUnderWay++;
            scheduler.submit(sizeClass.transfers().get(reserved).of(ids[missing], missing));
        }
    }

    private int tryReserve(ExpertCache cache, int id) {
        int slot = prefetcher.isStreamed(ExpertId.layerOf(id)) ? promptSlots.tryReserve(cache, id) : NONE;
        return slot == NONE ? cache.tryReserve(id) : slot;
    }

    private void takeResidents(SizeClass sizeClass, int most) {
        while (nextResident < numResidents && size < most) {
            int resident = residentIndices[nextResident++];
            hold(resident, sizeClass.cache().slotOf(ids[resident]), sizeClass.tier());
        }
    }

    /// Waits for one load and takes those that have ended as well.
    private void takeArrivals(SizeClass sizeClass, int most) {
        Transfer first = poll();
        long waitNanos = 0;
        if (first == null) {
            counters.activity().enter(Section.WAIT);
            long start = System.nanoTime();
            first = await();
            waitNanos = System.nanoTime() - start;
            counters.activity().enter(Section.EXPERTS);
            counters.addWait(waitNanos);
        }
        takeArrival(sizeClass, first, waitNanos);
        for (Transfer next; size < most && (next = poll()) != null; ) {
            takeArrival(sizeClass, next, 0);
        }
    }

    /// Returns a load of this sequence that ended, or null if none has.
    private @Nullable Transfer poll() {
        Transfer transfer = scheduler.poll();
        while (transfer != null && transfer.isAhead()) {
            prefetcher.settle(transfer);
            transfer = scheduler.poll();
        }
        return transfer;
    }

    private Transfer await() {
        Transfer transfer = scheduler.await();
        while (transfer.isAhead()) {
            prefetcher.settle(transfer);
            transfer = scheduler.await();
        }
        return transfer;
    }

    private void takeArrival(SizeClass sizeClass, Transfer transfer, long waitNanos) {
        if (!settle(sizeClass, transfer)) {
            throwAgain(transfer.failure());
        }
        hold(transfer.index(), transfer.slot(), transfer.foundIn());
        int id = ids[transfer.index()];
        FlightEvents.expertLoad(
                ExpertId.layerOf(id),
                ExpertId.expertOf(id),
                transfer.foundIn(),
                sizeClass.slab().slotBytes(),
                transfer.nanos(),
                waitNanos);
    }

    private void hold(int index, int slot, Tier tier) {
        indices[size] = index;
        tiers[size] = tier;
        slots[size++] = slot;
    }

    private boolean settle(SizeClass sizeClass, Transfer transfer) {
        numUnderWay--;
        return sizeClass.settle(transfer, counters);
    }

    /// If the device fails here, the slots are free already, and who writes one waits for its kernels all the same.
    private void release(SizeClass sizeClass) {
        if (size == 0) {
            return;
        }
        long group = releases.next();
        while (size > 0) {
            int slot = slots[--size];
            sizeClass.transfers().get(slot).release(group);
            sizeClass.cache().unpin(slot);
        }
        releases.record();
    }

    private SizeClass open() {
        if (sizeClass == null) {
            throw new IllegalStateException("the sequence of experts is closed");
        }
        return sizeClass;
    }

    static void throwAgain(@Nullable Throwable failure) {
        switch (failure) {
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            case null, default -> throw new IllegalStateException("an expert could not be loaded", failure);
        }
    }
}
