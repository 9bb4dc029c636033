package io.moetier;

import io.moetier.storage.cache.PolicyFactory;
import io.moetier.storage.model.ExpertId;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// The policies of one model that an embedder makes, and what the first of them that failed has thrown.
final class OwnPolicies implements PolicyFactory {
    private final EvictionPolicy.Factory factory;
    private final AtomicReference<@Nullable Throwable> thrown = new AtomicReference<>();

    OwnPolicies(EvictionPolicy.Factory factory) {
        this.factory = factory;
    }

    @Override
    public io.moetier.storage.cache.EvictionPolicy create(int[] ids, int numSlots) {
        List<EvictionPolicy.Expert> experts = Arrays.stream(ids)
                .mapToObj(id -> new EvictionPolicy.Expert(ExpertId.layerOf(id), ExpertId.expertOf(id)))
                .toList();
        EvictionPolicy.Slots slots = new EvictionPolicy.Slots(numSlots, experts);
        return new OwnPolicy(ids, Failures.listener(() -> factory.create(slots)), this::failed);
    }

    private void failed(Throwable what) {
        thrown.compareAndSet(null, what);
    }

    /// Throws what a policy has thrown, to one answer.
    void check() {
        Throwable what = thrown.get() == null ? null : thrown.getAndSet(null);
        if (what instanceof Error error) {
            throw error;
        }
        if (what instanceof RuntimeException exception) {
            throw Failures.ofListener(exception);
        }
    }
}
