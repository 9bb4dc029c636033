package io.moetier.runtime.offload;

import io.moetier.storage.cache.EvictionPolicy;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/// A policy that tells somebody what it is told, before it does anything: `2 0.75` of a decision with a weight, `5`
/// without, `access 2`.
record Listening(EvictionPolicy policy, Consumer<String> heard) implements EvictionPolicy {
    @Override
    public void onDecision(int[] ids, float @Nullable [] weights, int n) {
        for (int i = 0; i < n; i++) {
            heard.accept(ids[i] + (weights == null ? "" : " " + weights[i]));
        }
        policy.onDecision(ids, weights, n);
    }

    @Override
    public void onAccess(int id) {
        heard.accept("access " + id);
        policy.onAccess(id);
    }

    @Override
    public void onInsert(int id) {
        policy.onInsert(id);
    }

    @Override
    public void onEvict(int id) {
        policy.onEvict(id);
    }

    @Override
    public int victim(int newcomer, IntPredicate pinned) {
        return policy.victim(newcomer, pinned);
    }
}
