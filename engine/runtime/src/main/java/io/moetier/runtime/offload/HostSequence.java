package io.moetier.runtime.offload;

import io.moetier.runtime.metrics.Counters;
import io.moetier.runtime.metrics.Section;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.Tier;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The experts of one layer that the processor computes where they lie in the [PinnedTier]: first those that are
/// there, then those that loaders of its own have read from disk.
///
/// While some are being read, a group takes half of the slots at most, so that reading goes on while it is computed.
/// When it is worked through and closed is told in [ExpertTiers].
///
/// Lifetime: owns its loaders; closed for good by [#end()], before the pinned tier.
final class HostSequence implements ExpertArrivals {
    private final PinnedTier pinned;
    private final Counters counters;
    private final TransferScheduler<Lease> scheduler;
    private final Lease[] leases; // one for each expert that is read
    private final int[] present;
    private final int[] ids; // of the group
    private final Tier[] tiers; // of the group
    private int numPresent;
    private int nextPresent;
    private int numLeases;
    private int numUnderWay;
    private int size;

    /// @param scheduler reads what is not there; closed with this
    /// @param maxExperts the most experts that a layer has
    HostSequence(PinnedTier pinned, Counters counters, TransferScheduler<Lease> scheduler, int maxExperts) {
        this.pinned = pinned;
        this.counters = counters;
        this.scheduler = scheduler;
        leases = new Lease[maxExperts];
        for (int i = 0; i < maxExperts; i++) {
            leases[i] = new Lease(pinned);
        }
        present = new int[maxExperts];
        ids = new int[maxExperts];
        tiers = new Tier[maxExperts];
    }

    /// An expert that a loader pins; handed over as a [Transfer] is.
    static final class Lease implements Load {
        private final PinnedTier pinned;
        private int id;
        private Tier foundIn = Tier.DISK;
        private @Nullable Throwable failure;

        private Lease(PinnedTier pinned) {
            this.pinned = pinned;
        }

        private Lease of(int newId) {
            id = newId;
            failure = null;
            return this;
        }

        @Override
        public void run() {
            try {
                foundIn = pinned.pin(id);
            } catch (Throwable t) { // the top of a loader; the computation throws it again
                failure = t;
            }
        }

        @Override
        public void collect() {}
    }

    /// Begins with no expert.
    void begin() {
        numPresent = 0;
        nextPresent = 0;
        numLeases = 0;
    }

    /// Adds an expert, and starts to read it if it is not here.
    void add(int id) {
        counters.addComputedOnHost();
        if (pinned.holds(id)) {
            present[numPresent++] = id;
        } else {
            read(id);
        }
    }

    private void read(int id) {
        numUnderWay++;
        scheduler.submit(leases[numLeases++].of(id));
    }

    @Override
    public boolean next() {
        release();
        while (nextPresent < numPresent && size < most(present[nextPresent])) {
            int id = present[nextPresent++];
            if (pinned.tryPin(id)) {
                hold(id, Tier.HOST);
            } else {
                read(id); // it has left, or is being read for the device
            }
        }
        if (size == 0 && numUnderWay > 0) {
            takeArrivals();
        }
        return size > 0;
    }

    private int most(int id) {
        return numUnderWay == 0 ? ids.length : Math.max(1, pinned.numSlots(id) / 2);
    }

    private void takeArrivals() {
        Lease first = scheduler.poll();
        if (first == null) {
            counters.activity().enter(Section.WAIT);
            long start = System.nanoTime();
            first = scheduler.await();
            counters.addWait(System.nanoTime() - start);
            counters.activity().enter(Section.EXPERTS);
        }
        take(first);
        int most = most(first.id);
        for (Lease next; size < most && (next = scheduler.poll()) != null; ) {
            take(next);
        }
    }

    private void take(Lease lease) {
        numUnderWay--;
        if (lease.failure != null) {
            ExpertSequence.throwAgain(lease.failure);
        }
        hold(lease.id, lease.foundIn);
    }

    private void hold(int id, Tier tier) {
        if (tier == Tier.HOST) {
            counters.addHostHit();
        }
        ids[size] = id;
        tiers[size++] = tier;
    }

    private void release() {
        while (size > 0) {
            pinned.unpin(ids[--size]);
        }
    }

    @Override
    public boolean isEmpty() {
        return nextPresent == numPresent && numUnderWay == 0;
    }

    @Override
    public boolean isNextResident() {
        return nextPresent < numPresent;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public int expert(int i) {
        return ExpertId.expertOf(ids[Objects.checkIndex(i, size)]);
    }

    @Override
    public MemorySegment block(int i) {
        return pinned.block(ids[Objects.checkIndex(i, size)]);
    }

    @Override
    public Tier tier(int i) {
        return tiers[Objects.checkIndex(i, size)];
    }

    @Override
    public void close() {
        nextPresent = numPresent;
        release(); // a loader may wait for a slot
        while (numUnderWay > 0) {
            numUnderWay--;
            if (scheduler.cancel() == null) {
                giveBack(scheduler.await());
            }
        }
    }

    private void giveBack(Lease ended) {
        if (ended.failure == null) {
            pinned.unpin(ended.id);
        }
    }

    /// Closes this for good: gives every slot back first, for one of which a loader may wait.
    void end() {
        close();
        scheduler.close();
    }
}
