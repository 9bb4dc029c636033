package io.moetier.storage.cache;

import java.util.function.IntPredicate;

/// Segmented LRU (Karedla, Love and Wherry 1994): newcomers are on probation, and an expert chosen while
/// resident is protected. The oldest on probation leaves first. When too many are protected, the oldest of
/// them is on probation again.
public final class SlruPolicy implements EvictionPolicy {
    /// The largest part of the slots that is protected, in percent; Caffeine's main region has the same.
    private static final int PROTECTED_PERCENT = 80;

    private final IdIndex index;
    private final RecencyList onProbation;
    private final RecencyList safe;
    private final int maxSafe;

    public SlruPolicy(int[] ids, int numSlots) {
        index = new IdIndex(ids);
        onProbation = new RecencyList(index);
        safe = new RecencyList(index);
        maxSafe = (int) ((long) numSlots * PROTECTED_PERCENT / 100);
    }

    @Override
    public void onAccess(int id) {
        int expert = index.indexOf(id);
        if (safe.contains(expert)) {
            safe.touch(expert);
        } else if (onProbation.contains(expert)) {
            onProbation.remove(expert);
            safe.add(expert);
            demoteTheOldest();
        }
    }

    @Override
    public void onInsert(int id) {
        onProbation.add(index.indexOf(id));
    }

    @Override
    public void onEvict(int id) {
        int expert = index.indexOf(id);
        (safe.contains(expert) ? safe : onProbation).remove(expert);
    }

    @Override
    public int victim(int newcomer, IntPredicate pinned) {
        int expert = onProbation.oldest(pinned);
        if (expert == RecencyList.NONE) {
            expert = safe.oldest(pinned);
        }
        if (expert == RecencyList.NONE) {
            throw new IllegalStateException("all resident experts are pinned");
        }
        return index.id(expert);
    }

    private void demoteTheOldest() {
        if (safe.size() > maxSafe) {
            int oldest = safe.oldest();
            safe.remove(oldest);
            onProbation.add(oldest);
        }
    }
}
