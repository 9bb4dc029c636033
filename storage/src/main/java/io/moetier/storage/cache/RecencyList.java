package io.moetier.storage.cache;

import java.util.Arrays;
import java.util.function.IntPredicate;

/// Some of the experts of a cache, by index, from the most to the least recent.
final class RecencyList {
    static final int NONE = -1;

    private final IdIndex index;
    /// A ring, closed by the extra index `head`.
    private final int[] older;

    private final int[] newer;
    private final int head;
    private int size;

    RecencyList(IdIndex index) {
        this.index = index;
        head = index.size();
        older = new int[head + 1];
        newer = new int[head + 1];
        Arrays.fill(older, NONE);
        older[head] = head;
        newer[head] = head;
    }

    int size() {
        return size;
    }

    boolean contains(int expert) {
        return older[expert] != NONE;
    }

    /// Makes `expert`, which is not in the list, its most recent.
    void add(int expert) {
        size++;
        link(expert);
    }

    void remove(int expert) {
        size--;
        unlink(expert);
        older[expert] = NONE;
    }

    /// Makes `expert`, which is in the list, its most recent.
    void touch(int expert) {
        unlink(expert);
        link(expert);
    }

    /// Returns the least recent expert, or [#NONE].
    int oldest() {
        return size == 0 ? NONE : newer[head];
    }

    /// Returns the least recent expert for whose id `pinned` is false, or [#NONE].
    int oldest(IntPredicate pinned) {
        int expert = newer[head];
        while (expert != head && pinned.test(index.id(expert))) {
            expert = newer[expert];
        }
        return expert == head ? NONE : expert;
    }

    private void link(int expert) {
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
