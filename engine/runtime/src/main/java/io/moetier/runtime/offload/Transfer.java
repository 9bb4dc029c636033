package io.moetier.runtime.offload;

import io.moetier.kernels.device.DeviceEvent;
import io.moetier.runtime.slots.Slab;
import io.moetier.storage.model.Tier;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// One slot's load. There is one per slot and it is used again, so that loading allocates nothing.
///
/// Concurrency: it belongs to the thread that computes or to a loader, one after the other; see [ExpertTiers].
final class Transfer implements Load {
    private final ExpertSource source;
    private final Slab slab;
    private final int slot;
    private final SlotReleases releases;
    private long lastUse; // the group in which the slot was given back
    private DeviceEvent free;
    private Tier foundIn = Tier.DISK;
    private int id;
    private int index;
    private boolean ahead; // no layer waits for the expert
    private boolean guessed; // to be chosen soon
    private boolean underWay;
    private boolean unusedAhead;
    private long nanos;
    private @Nullable MemorySegment block;
    private @Nullable Throwable failure;

    Transfer(ExpertSource source, Slab slab, int slot, SlotReleases releases) {
        this.source = source;
        this.slab = slab;
        this.slot = slot;
        this.releases = releases;
        free = releases.of(lastUse);
    }

    /// Prepares to load expert `id`, which is at `index` in the request of the layer.
    Transfer of(int id, int index) {
        this.id = id;
        this.index = index;
        ahead = false;
        guessed = false;
        unusedAhead = false;
        underWay = true;
        failure = null;
        nanos = 0;
        try {
            free = releases.of(lastUse);
        } catch (RuntimeException e) { // the device failed; who waits for the load hears of it
            failure = e;
        }
        return this;
    }

    /// Prepares to load expert `id`, which no layer has requested, but one may soon.
    Transfer ahead(int id) {
        behind(id);
        guessed = true;
        unusedAhead = true;
        return this;
    }

    /// Prepares to load expert `id`, which a layer has requested and had computed elsewhere.
    Transfer behind(int id) {
        of(id, 0);
        ahead = true;
        return this;
    }

    /// Makes a load that was begun ahead one for the request of a layer, at `index` there. The loader knows of neither.
    void takeOver(int newIndex) {
        index = newIndex;
        ahead = false;
    }

    /// Notes that the slot is given back in a group of the [SlotReleases].
    void release(long group) {
        lastUse = group;
    }

    @Override
    public void collect() {
        underWay = false;
    }

    /// Says whether no layer waits for the expert.
    boolean isAhead() {
        return ahead;
    }

    /// Says whether it was begun on a guess.
    boolean isGuessed() {
        return guessed;
    }

    /// Says whether the computation has yet to learn of its end.
    boolean isUnderWay() {
        return underWay;
    }

    /// Says whether the expert was loaded ahead and is requested for the first time since.
    boolean isFirstUseOfAhead() {
        boolean first = unusedAhead;
        unusedAhead = false;
        return first;
    }

    int id() {
        return id;
    }

    @Override
    public void run() {
        if (failure != null) {
            return;
        }
        long start = System.nanoTime();
        try {
            MemorySegment target = slab.slot(slot);
            slab.writes(slot); // before its pages come, lest they count twice
            foundIn = source.read(id, target, free);
            block = target;
        } catch (Throwable t) { // the top of a loader; the computation throws it again
            failure = t;
        }
        nanos = System.nanoTime() - start;
    }

    @Override
    public boolean hasRoom() {
        return source.hasRoomFor(id);
    }

    int slot() {
        return slot;
    }

    int index() {
        return index;
    }

    long nanos() {
        return nanos;
    }

    /// Returns where the expert was, if it could be loaded.
    Tier foundIn() {
        return foundIn;
    }

    @Nullable
    Throwable failure() {
        return failure;
    }

    /// Returns the memory of the slot.
    ///
    /// @throws IllegalStateException if nothing was ever loaded into it
    MemorySegment block() {
        if (block == null) {
            throw new IllegalStateException("slot " + slot + " was never loaded");
        }
        return block;
    }
}
