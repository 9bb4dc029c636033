package io.moetier.storage.cache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Policy;
import java.util.Optional;
import java.util.function.IntPredicate;

/// W-TinyLFU as Caffeine implements it: an admission window, a segmented main region, and a sketch of frequencies
/// that decides which of the two gives up an expert.
///
/// Caffeine holds the ids of the residents and is asked for its coldest one. It never evicts by itself: that would
/// take a pinned expert now and then, and it draws from a per-thread random source, so that equal runs would differ.
/// Asking skips pinned experts without disturbing their rank, and repeats exactly.
///
/// Unlike the other policies it allocates at a miss: Caffeine a node for each entry, and a stream and a snapshot of
/// the entry each time it is asked for its coldest. An access that hits allocates nothing.
public final class TinyLfuPolicy implements EvictionPolicy {
    private final IdIndex index;
    private final Integer[] keys;
    private final Cache<Integer, Integer> residents;
    private final Policy.Eviction<Integer, Integer> order;

    public TinyLfuPolicy(int[] ids, int numSlots) {
        index = new IdIndex(ids);
        keys = new Integer[ids.length];
        for (int i = 0; i < keys.length; i++) {
            keys[i] = ids[i];
        }
        residents = Caffeine.newBuilder()
                .maximumSize(numSlots)
                .executor(Runnable::run)
                .build();
        order = residents.policy().eviction().orElseThrow();
    }

    @Override
    public void onAccess(int id) {
        // A resident's frequency and rank rise; an absent one is counted when it is inserted, as in any Caffeine cache.
        var _ = residents.getIfPresent(key(id));
    }

    @Override
    public void onInsert(int id) {
        Integer key = key(id);
        residents.put(key, key);
    }

    @Override
    public void onEvict(int id) {
        residents.invalidate(key(id));
    }

    @Override
    public int victim(int newcomer, IntPredicate pinned) {
        Optional<Integer> coldest = order.coldest(entries -> entries.map(entry -> entry.getKey())
                .filter(key -> !pinned.test(key))
                .findFirst());
        return coldest.orElseThrow(() -> new IllegalStateException("all resident experts are pinned"));
    }

    private Integer key(int id) {
        return keys[index.indexOf(id)];
    }
}
