package io.moetier.storage.cache;

import java.util.Arrays;
import java.util.function.IntPredicate;

/// Evicts the expert that was chosen longest ago.
public final class LruPolicy implements EvictionPolicy {
    private static final int ABSENT = -1;

    private final IdIndex index;
    /// The residents as a ring from most to least recent, closed by the extra index `head`.
    private final int[] older;

    private final int[] newer;
    private final int head;

    public LruPolicy(int[] ids) {
        index = new IdIndex(ids);
        head = ids.length;
        older = new int[head + 1];
        newer = new int[head + 1];
        Arrays.fill(older, ABSENT);
        older[head] = head;
        newer[head] = head;
    }

    @Override
    public void onAccess(int id) {
        int expert = index.indexOf(id);
        if (older[expert] != ABSENT) {
            unlink(expert);
            linkNewest(expert);
        }
    }

    @Override
    public void onInsert(int id) {
        linkNewest(index.indexOf(id));
    }

    @Override
    public void onEvict(int id) {
        int expert = index.indexOf(id);
        unlink(expert);
        older[expert] = ABSENT;
    }

    @Override
    public int victim(IntPredicate pinned) {
        int expert = newer[head];
        while (expert != head && pinned.test(index.id(expert))) {
            expert = newer[expert];
        }
        if (expert == head) {
            throw new IllegalStateException("all resident experts are pinned");
        }
        return index.id(expert);
    }

    private void linkNewest(int expert) {
        int second = older[head];
        older[expert] = second;
        newer[expert] = head;
        newer[second] = expert;
        older[head] = expert;
    }

    private void unlink(int expert) {
        newer[older[expert]] = newer[expert];
        older[newer[expert]] = older[expert];
    }
}
