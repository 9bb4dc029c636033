package io.moetier.storage.cache;

import io.moetier.storage.model.ExpertId;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.IntConsumer;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/// Knows which expert sits in which slot. It moves no bytes: its owner does, between [#reserve(int)] and the first
/// use of the slot.
///
/// Slots are 0, 1, 2, … and all of one size; experts of another size need a cache of their own. A slot is free, or
/// holds one expert, pinned or not; a pinned expert never leaves. Pins are counted. A slot that is retired is
/// out of use until it is restored.
///
/// Concurrency: confined to its owner, which calls from one thread at a time. Cost: constant time plus the policy's
/// choice of a victim; nothing is allocated after construction.
public final class ExpertCache {
    private static final int NONE = -1;

    private final IdIndex index;
    private final EvictionPolicy policy;
    private final IntConsumer evictionListener;
    private final int[] slotOf;
    private final int[] idAt;
    private final int[] pinCount;
    private final int[] free;
    private final boolean[] retired;
    private final IntPredicate pinned;
    private @Nullable UseEstimator beside; // a policy that estimates nothing
    private int numSlots;
    private int numFree;
    private int numPinned;

    /// Makes an empty cache for the experts `ids`, with a policy that was made for the same ids.
    public ExpertCache(int[] ids, int numSlots, EvictionPolicy policy) {
        this(ids, numSlots, policy, id -> {});
    }

    /// Makes an empty cache that tells `evictionListener` the id of each expert that had to leave for another one.
    ///
    /// @throws IllegalArgumentException if there is no slot, or an id appears twice
    public ExpertCache(int[] ids, int numSlots, EvictionPolicy policy, IntConsumer evictionListener) {
        if (numSlots < 1) {
            throw new IllegalArgumentException("a cache of " + numSlots + " slots");
        }
        this.policy = policy;
        pinned = this::mayNotLeave;
        this.evictionListener = evictionListener;
        index = new IdIndex(ids);
        slotOf = new int[ids.length];
        Arrays.fill(slotOf, NONE);
        idAt = new int[numSlots];
        Arrays.fill(idAt, NONE);
        pinCount = new int[numSlots];
        free = new int[numSlots];
        retired = new boolean[numSlots];
        this.numSlots = numSlots;
        numFree = numSlots;
        for (int slot = 0; slot < numSlots; slot++) {
            free[slot] = numSlots - 1 - slot; // the lowest is taken first
        }
    }

    /// Tells the policy what the router of one layer chose, before the accesses that follow from it; see
    /// [EvictionPolicy#onDecision(int\[\], float\[\], int)]. It is no access.
    public void decide(int[] ids, float @Nullable [] weights, int n) {
        policy.onDecision(ids, weights, n);
        if (beside != null) {
            beside.observe(ids, weights, n);
        }
    }

    /// Returns what says how likely each expert is to be used next: the policy's if that goes by one, else one beside
    /// it, which hears of all decisions after the first call.
    public UseEstimator estimator() {
        UseEstimator estimator = policy.estimator();
        if (estimator == null) {
            estimator = beside;
        }
        if (estimator == null) {
            estimator = new UseEstimator(index.ids(), numSlots);
            beside = estimator;
        }
        return estimator;
    }

    /// Returns what the policy goes by, which is worth keeping from run to run; nothing if it estimates nothing.
    public Optional<UseEstimator> learner() {
        return Optional.ofNullable(policy.estimator());
    }

    /// Records that the router chose `id` and returns its slot, or -1 if it is not resident.
    public int access(int id) {
        int slot = slotOf(id);
        policy.onAccess(id);
        return slot;
    }

    /// Returns the slot of `id`, or -1 if it is not resident. It is no access.
    public int slotOf(int id) {
        return slotOf[index.indexOf(id)];
    }

    /// Returns the id in `slot`, or -1 if the slot is free.
    public int idAt(int slot) {
        return idAt[slot];
    }

    /// Keeps the expert in `slot` until a matching [#unpin(int)].
    ///
    /// @throws IllegalStateException if the slot is free
    public void pin(int slot) {
        if (idAt[slot] == NONE) {
            throw new IllegalStateException("slot " + slot + " is free and cannot be pinned");
        }
        if (pinCount[slot]++ == 0) {
            numPinned++;
        }
    }

    /// Gives back one pin.
    ///
    /// @throws IllegalStateException if the slot is not pinned
    public void unpin(int slot) {
        if (pinCount[slot] == 0) {
            throw new IllegalStateException("slot " + slot + " is not pinned");
        }
        if (--pinCount[slot] == 0) {
            numPinned--;
        }
    }

    /// Gives `id` a slot, if need be that of the policy's victim, and returns it pinned. The caller fills it, or calls
    /// [#abandon(int)].
    ///
    /// @throws OutOfSlotsException if all slots are pinned
    /// @throws IllegalStateException if `id` is resident already
    public int reserve(int id) {
        int slot = tryReserve(id);
        if (slot == NONE) {
            throw new OutOfSlotsException(1, numFree, numPinned);
        }
        return slot;
    }

    /// Does as [#reserve(int)], but returns -1 if all slots are pinned.
    public int tryReserve(int id) {
        requireAbsent(id);
        if (numFree == 0 && numPinned == numSlots) {
            return NONE;
        }
        return occupy(id, numFree > 0 ? free[--numFree] : evict(policy.victim(id, pinned)));
    }

    /// Does as [#reserve(int)], but returns -1 if no slot is free and no expert that is not pinned `mayLeave`; among
    /// those that may, the policy chooses.
    public int tryReserve(int id, IntPredicate mayLeave) {
        requireAbsent(id);
        if (numFree > 0) {
            return occupy(id, free[--numFree]);
        }
        for (int slot = 0; slot < idAt.length; slot++) {
            if (idAt[slot] != NONE && pinCount[slot] == 0 && mayLeave.test(idAt[slot])) {
                return occupy(id, evict(policy.victim(id, other -> mayNotLeave(other) || !mayLeave.test(other))));
            }
        }
        return NONE;
    }

    /// Does as [#reserve(int)], but returns -1 if all slots are pinned, or if the policy would rather keep the expert
    /// that would have to leave. For callers that can do without a slot.
    public int admit(int id) {
        requireAbsent(id);
        if (numFree > 0) {
            return occupy(id, free[--numFree]);
        }
        if (numPinned == numSlots) {
            return NONE;
        }
        int victim = policy.victim(id, pinned);
        return policy.admits(id, victim) ? occupy(id, evict(victim)) : NONE;
    }

    /// Returns the expert that would leave if `id` were reserved now, or -1 if none would: a slot is free, or all are
    /// pinned.
    public int victimFor(int id) {
        return numFree > 0 || numPinned == numSlots ? NONE : policy.victim(id, pinned);
    }

    /// Frees a reserved slot whose expert could not be loaded. The eviction listener is not told.
    ///
    /// @throws IllegalStateException if the slot is not pinned exactly once
    public void abandon(int slot) {
        if (pinCount[slot] != 1) {
            throw new IllegalStateException("slot " + slot + " has " + pinCount[slot] + " pins, expected 1");
        }
        unpin(slot);
        clear(slot);
        free[numFree++] = slot;
    }

    /// Returns which of the slots that `mayGo` is missed least: a free one, else that of the expert that the
    /// policy would have leave first; -1 if all of them are pinned.
    public int coldest(IntPredicate mayGo) {
        for (int i = 0; i < numFree; i++) {
            if (mayGo.test(free[i])) {
                return free[i];
            }
        }
        for (int slot = 0; slot < idAt.length; slot++) {
            if (idAt[slot] != NONE && pinCount[slot] == 0 && mayGo.test(slot)) {
                return slotOf(policy.victim(anyAbsent(), id -> mayNotLeave(id) || !mayGo.test(slotOf(id))));
            }
        }
        return NONE;
    }

    /// Takes a slot that is not pinned out of use; the expert in it is evicted.
    ///
    /// @throws IllegalStateException if the slot is pinned, retired already, or the last one
    public void retire(int slot) {
        if (pinCount[slot] > 0 || retired[slot] || numSlots == 1) {
            throw new IllegalStateException("slot " + slot + " of " + numSlots + " is needed or retired");
        }
        if (idAt[slot] == NONE) {
            forgetFree(slot);
        } else {
            evict(idAt[slot]);
        }
        retired[slot] = true;
        numSlots--;
    }

    /// Takes a slot that was retired into use again; it is free.
    ///
    /// @throws IllegalStateException if the slot is in use
    public void restore(int slot) {
        if (!retired[slot]) {
            throw new IllegalStateException("slot " + slot + " is in use");
        }
        retired[slot] = false;
        numSlots++;
        free[numFree++] = slot;
    }

    /// Says whether a slot is out of use.
    public boolean isRetired(int slot) {
        return retired[slot];
    }

    /// Says whether the expert in `slot` may not leave.
    public boolean isPinned(int slot) {
        return pinCount[slot] > 0;
    }

    public int numSlots() {
        return numSlots;
    }

    /// Returns how many experts it is for, in slots or not.
    public int numExperts() {
        return slotOf.length;
    }

    public int numResident() {
        return numSlots - numFree;
    }

    public int numPinned() {
        return numPinned;
    }

    private boolean mayNotLeave(int id) {
        return isPinned(slotOf(id));
    }

    /// Returns an expert that is not resident; the first if all are.
    private int anyAbsent() {
        int i = 0;
        while (i < slotOf.length && slotOf[i] != NONE) {
            i++;
        }
        return index.id(i % slotOf.length);
    }

    /// The order of the others stays.
    private void forgetFree(int slot) {
        int at = 0;
        while (free[at] != slot) {
            at++;
        }
        System.arraycopy(free, at + 1, free, at, --numFree - at);
    }

    private void requireAbsent(int id) {
        if (slotOf(id) != NONE) {
            throw new IllegalStateException(ExpertId.unpack(id) + " is resident already");
        }
    }

    private int occupy(int id, int slot) {
        idAt[slot] = id;
        slotOf[index.indexOf(id)] = slot;
        policy.onInsert(id);
        pin(slot);
        return slot;
    }

    private int evict(int id) {
        int slot = slotOf(id);
        if (slot == NONE || pinCount[slot] > 0) {
            throw new IllegalStateException("the policy chose " + ExpertId.unpack(id) + ", which may not leave");
        }
        clear(slot);
        evictionListener.accept(id);
        return slot;
    }

    private void clear(int slot) {
        int id = idAt[slot];
        idAt[slot] = NONE;
        slotOf[index.indexOf(id)] = NONE;
        policy.onEvict(id);
    }
}
