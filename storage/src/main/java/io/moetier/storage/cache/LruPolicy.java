package io.moetier.storage.cache;

import java.util.function.IntPredicate;

/// Evicts the expert that was chosen longest ago.
public final class LruPolicy implements EvictionPolicy {
    private final IdIndex index;
    private final RecencyList residents;

    public LruPolicy(int[] ids) {
        index = new IdIndex(ids);
        residents = new RecencyList(index);
    }

    @Override
    public void onAccess(int id) {
        int expert = index.indexOf(id);
        if (residents.contains(expert)) {
            residents.touch(expert);
        }
    }

    @Override
    public void onInsert(int id) {
        residents.add(index.indexOf(id));
    }

    @Override
    public void onEvict(int id) {
        residents.remove(index.indexOf(id));
    }

    @Override
    public int victim(int newcomer, IntPredicate pinned) {
        int expert = residents.oldest(pinned);
        if (expert == RecencyList.NONE) {
            throw new IllegalStateException("all resident experts are pinned");
        }
        return index.id(expert);
    }
}
