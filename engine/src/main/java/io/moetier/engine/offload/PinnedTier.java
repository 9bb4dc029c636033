package io.moetier.engine.offload;

import io.moetier.engine.device.Device;
import io.moetier.engine.device.DeviceEvent;
import io.moetier.engine.device.DeviceStream;
import io.moetier.engine.device.Owned;
import io.moetier.engine.metrics.Counters;
import io.moetier.storage.cache.ExpertCache;
import io.moetier.storage.cache.PolicyFactory;
import io.moetier.storage.model.Tier;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// The HOST tier between a store and a device: experts in pinned memory, within a budget of bytes, from where they are
/// copied to the device's slots.
///
/// A slot is pinned in its [ExpertCache] while an expert is read into it or copied from it, so a reader that finds all
/// slots pinned waits for another reader. What fails gives its slot back.
///
/// Lifetime: owns its memory and its streams; closed after the tier that reads from it and before the device.
/// Concurrency: any thread may read. One lock guards the caches, which nobody holds while bytes move.
public final class PinnedTier implements ExpertSource, AutoCloseable {
    private static final int NONE = -1;

    private final ExpertSource source;
    private final Counters counters;
    private final long budgetBytes;
    private final Owned owned;
    private final DeviceEvent nothing; // what has to be waited for before a slot of this tier is written
    private final List<Slots> sizeClasses = new ArrayList<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition(); // a slot was filled or given back, or a stream was

    private final Deque<DeviceStream> idleStreams = new ArrayDeque<>(); // guarded by the lock
    private @Nullable RuntimeException lost; // guarded by the lock: why copies cannot be relied on any more

    /// The slots of one size, and which of them are being filled. The lock guards the cache and what changes `filling`,
    /// which the thread that fills a slot knows anyway.
    @SuppressWarnings("ArrayRecordComponent") // nobody compares them
    private record Slots(ExpertCache cache, Slab slab, boolean[] filling) implements SlotClass {}

    @SuppressWarnings("MustBeClosedChecker") // owned closes the arena
    private PinnedTier(
            ExpertSource source,
            Device device,
            int[] slots,
            long budgetBytes,
            PolicyFactory policy,
            Counters counters,
            int copies,
            Owned owned) {
        this.source = source;
        this.counters = counters;
        this.budgetBytes = budgetBytes;
        this.owned = owned;
        Arena arena = Arena.ofShared();
        owned.add(arena::close);
        for (int c = 0; c < slots.length; c++) {
            sizeClasses.add(slots(c, slots[c], device, arena, policy));
        }
        for (int i = 0; i < copies; i++) {
            DeviceStream stream = device.newStream();
            owned.add(stream::close);
            idleStreams.add(stream);
        }
        nothing = device.newEvent();
        owned.add(nothing::close);
    }

    private Slots slots(int sizeClass, int numSlots, Device device, Arena arena, PolicyFactory policy) {
        int[] ids = IntStream.of(source.ids())
                .filter(id -> source.sizeClassOf(id) == sizeClass)
                .toArray();
        long slotBytes = source.slotBytes(sizeClass);
        MemorySegment memory = device.allocatePinned(Math.multiplyExact(numSlots, slotBytes), arena);
        return new Slots(
                new ExpertCache(ids, numSlots, policy.create(ids, numSlots)),
                new Slab(memory, numSlots, slotBytes),
                new boolean[numSlots]);
    }

    /// Opens an empty tier of at most `budgetBytes`, divided over the size classes in proportion to their bytes.
    ///
    /// @param device to which experts are copied
    /// @param copies how many may be under way at a time
    /// @throws IllegalArgumentException if the budget is below [SlotBudget#minimumBytes()]
    public static PinnedTier open(
            ExpertSource source,
            Device device,
            int numExpertsPerToken,
            long budgetBytes,
            PolicyFactory policy,
            Counters counters,
            int copies) {
        int[] slots = SlotBudget.of(source, numExpertsPerToken).slots(budgetBytes);
        Owned owned = new Owned();
        try {
            return new PinnedTier(source, device, slots, budgetBytes, policy, counters, copies, owned);
        } catch (RuntimeException | Error e) {
            owned.close();
            throw e;
        }
    }

    @Override
    public int[] ids() {
        return source.ids();
    }

    @Override
    public int numSizeClasses() {
        return source.numSizeClasses();
    }

    @Override
    public int sizeClassOf(int id) {
        return source.sizeClassOf(id);
    }

    @Override
    public long slotBytes(int sizeClass) {
        return source.slotBytes(sizeClass);
    }

    @Override
    public void onDecision(int[] ids, float @Nullable [] weights, int n) {
        if (n == 0) {
            return;
        }
        lock.lock();
        try {
            sizeClasses.get(source.sizeClassOf(ids[0])).cache().decide(ids, weights, n);
        } finally {
            lock.unlock();
        }
    }

    /// @throws IllegalStateException if an earlier copy failed and nobody knows whether it still goes on
    @Override
    public Tier read(int id, MemorySegment dst, DeviceEvent free) {
        Slots slots = sizeClasses.get(source.sizeClassOf(id));
        int slot = pin(slots, id);
        boolean missing = slots.filling()[slot];
        if (missing) {
            fill(slots, slot, id);
        }
        try {
            long start = System.nanoTime();
            copy(slots.slab().slot(slot), dst, free);
            counters.activity().onCopy(id, dst.byteSize(), start, System.nanoTime());
        } finally {
            unpin(slots, slot);
        }
        return missing ? Tier.DISK : Tier.HOST;
    }

    /// Returns the slot of an expert, pinned; if it had none, it gets one, which is marked for this thread to fill.
    private int pin(Slots slots, int id) {
        ExpertCache cache = slots.cache();
        lock.lock();
        try {
            cache.access(id);
            while (true) {
                if (lost != null) {
                    throw new IllegalStateException(
                            "no expert can be copied to the device: an earlier copy failed", lost);
                }
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

    private void unpin(Slots slots, int slot) {
        lock.lock();
        try {
            slots.cache().unpin(slot);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void copy(MemorySegment from, MemorySegment to, DeviceEvent free) {
        DeviceStream stream = takeStream();
        try {
            stream.await(free);
            stream.copy(from, to);
            stream.synchronize();
        } catch (RuntimeException e) {
            end(stream, e);
            throw e;
        } finally {
            giveBack(stream);
        }
    }

    /// A copy that failed must not go on when other experts get its slots.
    private void end(DeviceStream stream, RuntimeException failure) {
        try {
            stream.synchronize();
        } catch (RuntimeException e) {
            failure.addSuppressed(e);
            lock.lock();
            try {
                lost = failure;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    private DeviceStream takeStream() {
        lock.lock();
        try {
            while (idleStreams.isEmpty()) {
                changed.awaitUninterruptibly();
            }
            return idleStreams.removeFirst();
        } finally {
            lock.unlock();
        }
    }

    private void giveBack(DeviceStream stream) {
        lock.lock();
        try {
            idleStreams.addFirst(stream);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /// Tells how full the tier is.
    public ResidentSummary residentSummary() {
        lock.lock();
        try {
            return ResidentSummary.of(sizeClasses, source.ids().length, budgetBytes);
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
