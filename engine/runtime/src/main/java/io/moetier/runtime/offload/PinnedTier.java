package io.moetier.runtime.offload;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceEvent;
import io.moetier.kernels.device.Owned;
import io.moetier.runtime.metrics.Counters;
import io.moetier.runtime.slots.ElasticSlots;
import io.moetier.runtime.slots.Slab;
import io.moetier.runtime.slots.SlabMemory;
import io.moetier.runtime.slots.SlotPieces;
import io.moetier.storage.cache.ExpertCache;
import io.moetier.storage.cache.PolicyFactory;
import io.moetier.storage.cache.UseEstimator;
import io.moetier.storage.model.Tier;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// The HOST tier between a store and devices: experts in pinned memory, within a budget of bytes, from where they are
/// copied to a device's slots ([DeviceCopies]), or where the processor computes them ([HostSequence]).
///
/// Lifetime: owns its memory; closed after the tiers that read from it and before the device.
/// Concurrency: any thread may pin; the states of a slot, and who waits for one, are told in [ExpertTiers].
public final class PinnedTier implements AutoCloseable {
    private static final int NONE = -1;

    private final ExpertSource source;
    private final Counters counters;
    private final long budgetBytes;
    private final Owned owned;
    private final DeviceEvent nothing; // what has to be waited for before a slot of this tier is written
    private final List<Slots> sizeClasses = new ArrayList<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition(); // a slot was filled, unpinned or taken again
    private final ElasticSlots elastic;

    /// The slots of one size, and which of them are being filled. The lock guards the cache and what changes `filling`,
    /// which the thread that fills a slot knows anyway.
    @SuppressWarnings("ArrayRecordComponent") // nobody compares them
    private record Slots(ExpertCache cache, Slab slab, SlotPieces pieces, boolean[] filling) implements SlotClass {}

    private PinnedTier(
            ExpertSource source, Device device, Residency residency, Counters counters, Loaders loaders, Owned owned) {
        SlotBudget slotBudget = residency.slotBudget(source);
        int[] slots = slotBudget.slots(residency.budgetBytes());
        this.source = source;
        this.counters = counters;
        budgetBytes = residency.budgetBytes();
        this.owned = owned;
        for (int c = 0; c < slots.length; c++) {
            sizeClasses.add(slots(c, slots[c], slotBudget.leastSlots(c), device, residency.policy()));
        }
        elastic = new ElasticSlots(
                sizeClasses.stream().map(Slots::pieces).toList(),
                Tier.HOST,
                counters,
                loaders::nanos,
                lock,
                changed::signalAll);
        nothing = device.newEvent();
        owned.add(nothing::close);
    }

    private Slots slots(int sizeClass, int numSlots, int leastSlots, Device device, PolicyFactory policy) {
        int[] ids = IntStream.of(source.ids())
                .filter(id -> source.sizeClassOf(id) == sizeClass)
                .toArray();
        Slab slab = new Slab(source.slotBytes(sizeClass));
        ExpertCache cache = new ExpertCache(ids, numSlots, policy.create(ids, numSlots));
        SlotPieces pieces = new SlotPieces(cache, slab, new SlabMemory.Pinned(device), leastSlots);
        owned.add(pieces::close);
        return new Slots(cache, slab, pieces, new boolean[numSlots]);
    }

    /// Opens an empty tier.
    ///
    /// @param device pins the memory; other devices of the same driver copy from it as fast
    /// @param loaders whose clock tells when slots are given back and taken again
    /// @throws IllegalArgumentException if the budget is below [SlotBudget#minimumBytes()]
    public static PinnedTier open(
            ExpertSource source, Device device, Residency residency, Counters counters, Loaders loaders) {
        Owned owned = new Owned();
        try {
            return new PinnedTier(source, device, residency, counters, loaders, owned);
        } catch (RuntimeException | Error e) {
            try (owned) {
                throw e;
            }
        }
    }

    /// Returns what is below this tier.
    ExpertSource source() {
        return source;
    }

    /// Tells the policy that the router of one layer chose the distinct experts `ids[0..n)`, those among them that
    /// devices have included; see [io.moetier.storage.cache.EvictionPolicy#onDecision(int\[\], float\[\], int)].
    void onDecision(int[] ids, float @Nullable [] weights, int n) {
        if (n == 0) {
            return;
        }
        lock.lock();
        try {
            slotsOf(ids[0]).cache().decide(ids, weights, n);
        } finally {
            lock.unlock();
        }
    }

    /// Returns what `use` makes of what the policies go by, before a thread tells them more; it is not to wait.
    <T> T whileNobodyLearns(Function<List<UseEstimator>, T> use) {
        lock.lock();
        try {
            return use.apply(sizeClasses.stream()
                    .flatMap(slots -> slots.cache().learner().stream())
                    .toList());
        } finally {
            lock.unlock();
        }
    }

    /// Says whether an expert is here now, or being read; counts nothing.
    boolean holds(int id) {
        lock.lock();
        try {
            return slotsOf(id).cache().slotOf(id) != NONE;
        } finally {
            lock.unlock();
        }
    }

    /// Says whether [#pin(int)] would get a slot for an expert now.
    boolean hasRoomFor(int id) {
        ExpertCache cache = slotsOf(id).cache();
        lock.lock();
        try {
            return cache.slotOf(id) != NONE || cache.numPinned() < cache.numSlots();
        } finally {
            lock.unlock();
        }
    }

    /// Pins an expert if it is here now. If not, nothing is counted.
    boolean tryPin(int id) {
        Slots slots = slotsOf(id);
        lock.lock();
        try {
            int slot = slots.cache().slotOf(id);
            if (slot == NONE || slots.filling()[slot]) {
                return false;
            }
            slots.cache().access(id);
            slots.cache().pin(slot);
            return true;
        } finally {
            lock.unlock();
        }
    }

    /// Pins an expert until a matching [#unpin(int)], reading it if it is not here, and returns where it was. Waits
    /// while all slots are pinned.
    ///
    /// What the source throws is thrown here; nothing is pinned then.
    Tier pin(int id) {
        Slots slots = slotsOf(id);
        int slot = pin(slots, id);
        boolean missing = slots.filling()[slot];
        if (missing) {
            fill(slots, slot, id);
        }
        return missing ? Tier.DISK : Tier.HOST;
    }

    /// Returns the memory of an expert that is pinned, for one slot always the same object.
    MemorySegment block(int id) {
        Slots slots = slotsOf(id);
        lock.lock();
        try {
            return slots.slab().slot(slots.cache().slotOf(id));
        } finally {
            lock.unlock();
        }
    }

    /// Gives back one pin.
    void unpin(int id) {
        Slots slots = slotsOf(id);
        lock.lock();
        try {
            slots.cache().unpin(slots.cache().slotOf(id));
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /// Returns how many slots there are for experts of the size of `id`.
    int numSlots(int id) {
        return slotsOf(id).cache().numSlots();
    }

    private Slots slotsOf(int id) {
        return sizeClasses.get(source.sizeClassOf(id));
    }

    /// Returns the slot of an expert, pinned; if it had none, it gets one, which is marked for this thread to fill.
    private int pin(Slots slots, int id) {
        ExpertCache cache = slots.cache();
        lock.lock();
        try {
            cache.access(id);
            while (true) {
                int slot = cache.slotOf(id);
                if (slot != NONE && !slots.filling()[slot]) {
                    cache.pin(slot);
                    return slot;
                }
                int reserved = slot == NONE ? cache.tryReserve(id) : NONE;
                if (reserved != NONE) {
                    slots.filling()[reserved] = true;
                    return reserved;
                }
                changed.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }

    private void fill(Slots slots, int slot, int id) {
        boolean filled = false;
        long start = System.nanoTime();
        try {
            source.read(id, slots.slab().slot(slot), nothing);
            filled = true;
            counters.addDiskLoad(slots.slab().slotBytes(), System.nanoTime() - start);
        } finally {
            lock.lock();
            try {
                slots.filling()[slot] = false;
                if (!filled) {
                    slots.cache().abandon(slot);
                }
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    /// Returns what gives slots back and takes them again, which only the thread that computes may have do so.
    ElasticSlots elastic() {
        return elastic;
    }

    /// Tells how full the tier is.
    public ResidentSummary residentSummary() {
        lock.lock();
        try {
            return ResidentSummary.of(sizeClasses, budgetBytes, elastic.moves().numAway());
        } finally {
            lock.unlock();
        }
    }

    /// To be called when nobody reads any more.
    @Override
    public void close() {
        owned.close();
    }
}
