package io.moetier.engine.offload;

import io.moetier.engine.metrics.Counters;
import io.moetier.engine.metrics.FlightEvents;
import io.moetier.engine.metrics.Section;
import io.moetier.storage.cache.ExpertCache;
import io.moetier.storage.cache.OutOfSlotsException;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.Tier;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The experts that one layer needs, group after group: first those that were resident, then the missing ones as they
/// arrive. Groups and their order are those of arrival and may differ from run to run.
///
/// ```
/// try (ExpertSequence sequence = tier.begin(layer, experts, weights, n)) {
///     while (sequence.next()) {
///         for (int i = 0; i < sequence.size(); i++) {
///             compute(experts[sequence.index(i)], sequence.block(i));
///         }
///     }
/// }
/// ```
///
/// Lifetime: the blocks of a group are pinned until the next [#next()] or [#close()], then their slots go to the next
/// missing experts. So any number of experts can be worked through with a few slots. While some wait for a slot, a
/// group takes half of the slots at most, so that loads go on while it is computed. When none waits any more, the
/// loaders go to the [Prefetcher]. Confined to the thread of its [ExpertTier].
public final class ExpertSequence implements AutoCloseable {
    private static final int NONE = -1;

    private final ExpertSource source;
    private final SlotReleases releases;
    private final TransferScheduler scheduler;
    private final Prefetcher prefetcher;
    private final Counters counters;
    private final int[] ids;
    private final int[] residentIndices;
    private final int[] missingIndices;
    private final int[] indices; // of the group
    private final int[] slots; // of the group
    private final Tier[] tiers; // of the group
    private @Nullable SizeClass sizeClass; // null while closed
    private int numResidents;
    private int nextResident;
    private int numMissing;
    private int nextMissing;
    private int numUnderWay;
    private int size;

    /// @param source is told what layers choose
    ExpertSequence(
            ExpertSource source,
            SlotReleases releases,
            TransferScheduler scheduler,
            Prefetcher prefetcher,
            Counters counters,
            int maxExperts) {
        this.source = source;
        this.releases = releases;
        this.scheduler = scheduler;
        this.prefetcher = prefetcher;
        this.counters = counters;
        ids = new int[maxExperts];
        residentIndices = new int[maxExperts];
        missingIndices = new int[maxExperts];
        indices = new int[maxExperts];
        slots = new int[maxExperts];
        tiers = new Tier[maxExperts];
    }

    void begin(SizeClass sizeClass, int layer, int[] experts, float @Nullable [] weights, int n) {
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
        try {
            prefetcher.giveWay();
            if (n > 0) {
                sizeClass.cache().decide(ids, weights, n);
                source.onDecision(ids, weights, n);
                sort(sizeClass, n);
                prefetcher.onDecision(ids, n);
                startLoads(sizeClass);
            }
        } catch (RuntimeException e) { // an expert that the layer does not have, or has been named twice
            close();
            throw e;
        }
        counters.addHits(n - numMissing);
        counters.addMisses(numMissing);
    }

    /// Moves to the next group, waiting for a missing expert if need be, or returns false after the last one.
    ///
    /// What the source threw when it read an expert is thrown here; the sequence can then only be closed.
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
        if (nextMissing == numMissing && numUnderWay == 0) {
            prefetcher.useIdleLoaders();
        }
        return size > 0;
    }

    /// Says whether the next group can be had without waiting for the source.
    public boolean isNextResident() {
        return nextResident < numResidents;
    }

    /// Returns how many experts the group has.
    public int size() {
        return size;
    }

    /// Returns the position of expert `i` of the group in the array that [ExpertTier#begin(int, int\[\], float\[\],
    /// int)]
    /// was given.
    public int index(int i) {
        return indices[Objects.checkIndex(i, size)];
    }

    /// Returns the memory of expert `i` of the group, valid until the next call of [#next()] or [#close()].
    public MemorySegment block(int i) {
        return open().transfers().get(slots[Objects.checkIndex(i, size)]).block();
    }

    /// Returns where expert `i` of the group was found: in the tier itself, or where it was loaded from.
    public Tier tier(int i) {
        return tiers[Objects.checkIndex(i, size)];
    }

    /// Gives back every slot; loads that have begun are waited for, the others are dropped. Closing twice is harmless.
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
            if (transfer != null) {
                numUnderWay--;
                sizeClass.cache().abandon(transfer.slot());
                continue;
            }
            transfer = scheduler.await();
            if (transfer.isAhead()) {
                prefetcher.settle(transfer);
            } else if (settle(sizeClass, transfer)) {
                sizeClass.cache().unpin(transfer.slot());
            }
        }
        this.sizeClass = null;
        release(sizeClass);
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

    private void startLoads(SizeClass sizeClass) {
        ExpertCache cache = sizeClass.cache();
        while (nextMissing < numMissing) {
            int missing = missingIndices[nextMissing];
            int reserved = cache.tryReserve(ids[missing]);
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
