package io.moetier;

import io.moetier.storage.cache.IdIndex;
import io.moetier.storage.cache.LruPolicy;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/// An embedder's policy as caches see one: ids become numbers, and once it has thrown something the least recently
/// used expert leaves instead. A cache would not know what is where if it were left in the middle of a change.
final class OwnPolicy implements io.moetier.storage.cache.EvictionPolicy {
    private final int[] ids;
    private final IdIndex index;
    private final EvictionPolicy policy;
    private final Consumer<Throwable> onFailure;
    private final boolean[] resident;
    private final int[] chosen;
    private final float[] unknown; // weights where nobody knows them
    private final IntPredicate mayLeave = this::mayLeave;
    private IntPredicate pinned = id -> false;
    private @Nullable LruPolicy instead;

    OwnPolicy(int[] ids, EvictionPolicy policy, Consumer<Throwable> onFailure) {
        this.ids = ids.clone();
        this.policy = policy;
        this.onFailure = onFailure;
        index = new IdIndex(ids);
        resident = new boolean[ids.length];
        chosen = new int[ids.length];
        unknown = new float[ids.length];
    }

    @Override
    public void onDecision(int[] decided, float @Nullable [] weights, int n) {
        if (instead != null) {
            return;
        }
        for (int i = 0; i < n; i++) {
            chosen[i] = index.indexOf(decided[i]);
        }
        try {
            policy.onChoice(chosen, weights == null ? unknown : weights, n);
        } catch (RuntimeException | Error e) {
            fail(e);
        }
    }

    @Override
    public void onAccess(int id) {
        if (instead != null) {
            instead.onAccess(id);
            return;
        }
        int expert = index.indexOf(id);
        try {
            policy.onAccess(expert, resident[expert]);
        } catch (RuntimeException | Error e) {
            fail(e);
        }
    }

    @Override
    public void onInsert(int id) {
        int expert = index.indexOf(id);
        resident[expert] = true;
        if (instead != null) {
            instead.onInsert(id);
            return;
        }
        try {
            policy.onEntry(expert);
        } catch (RuntimeException | Error e) {
            fail(e);
        }
    }

    @Override
    public void onEvict(int id) {
        int expert = index.indexOf(id);
        resident[expert] = false;
        if (instead != null) {
            instead.onEvict(id);
            return;
        }
        try {
            policy.onExit(expert);
        } catch (RuntimeException | Error e) {
            fail(e);
        }
    }

    @Override
    public int victim(int newcomer, IntPredicate mayNotLeave) {
        if (instead != null) {
            return instead.victim(newcomer, mayNotLeave);
        }
        pinned = mayNotLeave;
        try {
            int expert = policy.victim(index.indexOf(newcomer), mayLeave);
            if (!mayLeave(expert)) {
                throw new IllegalStateException("the policy chose " + expert + " to leave, which may not");
            }
            return ids[expert];
        } catch (RuntimeException | Error e) {
            return fail(e).victim(newcomer, mayNotLeave);
        }
    }

    @Override
    public boolean admits(int id, int victim) {
        if (instead != null) {
            return instead.admits(id, victim);
        }
        try {
            return policy.admits(index.indexOf(id), index.indexOf(victim));
        } catch (RuntimeException | Error e) {
            return fail(e).admits(id, victim);
        }
    }

    private boolean mayLeave(int expert) {
        return expert >= 0 && expert < ids.length && resident[expert] && !pinned.test(ids[expert]);
    }

    private LruPolicy fail(Throwable thrown) {
        LruPolicy lru = new LruPolicy(ids);
        for (int expert = 0; expert < ids.length; expert++) {
            if (resident[expert]) {
                lru.onInsert(ids[expert]);
            }
        }
        instead = lru;
        onFailure.accept(thrown);
        return lru;
    }
}
